// SPDX-License-Identifier: Apache-2.0

// Package journey is the main job as a program: a project, a repository, a
// webhook, three commits, load and the story read back from the stream. The
// demo shows it and the end-to-end test asserts it; both run this one code
// against a platform that runs for real.
package journey
