// SPDX-License-Identifier: Apache-2.0

// Package spec is the file in which a person says what cluster they want.
//
// [Parse] is strict: a key that does not exist, a value of the wrong type or
// out of range is an error that names line, field and what was expected. All
// of them are reported at once. What is left out gets the default written at
// the field.
package spec
