// SPDX-License-Identifier: Apache-2.0

// Package builder turns a commit into an image: it fetches the commit, finds
// out how it is built, runs its tests, builds with BuildKit, pushes to the
// registry and says so with [events.ArtifactPublished].
//
// There is one build per project, app and commit. Its state is in the KV
// bucket builds, so that a delivery that comes again, also after the process
// was killed at any point, goes on where that leaves off: what is finished is
// not built again, what was interrupted starts anew, and each event of an
// attempt is in the stream once.
//
// A commit that cannot be built is a finished build with a reason, not an
// error. What is outside of the build, BuildKit or the registry, may be away
// for a while; then the build waits.
package builder
