// SPDX-License-Identifier: Apache-2.0

// Package deployer takes an image and an OAM Application to the cluster: it
// renders the objects, applies them, watches until they are healthy, and puts
// the last healthy revision back when they do not become so.
//
// It handles
//
//	project.created                 a namespace for the project
//	project.deleted                 and its end, with all that is in it
//	application.requested           the app's record; a revision when it can run
//	application.removalrequested    the end of everything the app has
//	artifact.published              a revision for the build
//	rollback.requested              a revision like an earlier one
//
// and owns the buckets apps and releases. What holds whatever process is
// killed when:
//
//   - One event makes one revision at most, and so does one build: the release
//     carries the ids of both and is looked up before one is made.
//   - A release ends. Its deadline is stored with it; a deployer that starts
//     again goes on with it, and leaves it at least a short time to show how
//     it is, because pods need a moment after a node comes back.
//   - A cluster that cannot be reached delays a release and never fails it.
//   - The end of a release is first stored, then put into the app's record,
//     then told, then marked as told; a repetition does only what is missing.
//   - A file that is not valid changes nothing in the cluster.
package deployer
