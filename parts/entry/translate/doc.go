// SPDX-License-Identifier: Apache-2.0

// Package translate turns HTTPRoutes of the Gateway API into the configuration
// of Caddy: one that Caddy is started with, and one of a handler "subroute" that
// changes with the routes. It is pure: the same routes give the same bytes, whatever their
// order, and nothing outside is read.
//
// What a route asks for and this entry does not do is never served by halves:
// the route is left out, and its verdict names the field.
package translate
