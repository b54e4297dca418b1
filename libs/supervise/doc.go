// SPDX-License-Identifier: Apache-2.0

// Package supervise starts the parts of a program in the order they need each
// other, keeps them running, and stops them without leaving anything behind.
//
// A part is one of three things: a child process (Cmd), a function that blocks
// for as long as the part lives (Run), or a step that has to succeed once
// (Task). Parts without a common ancestor start in parallel; a part starts as
// soon as everything named in its After is ready. A part that dies is started
// again after a growing pause; the pause shrinks back to the first one when the
// part has been up for a minute. After gates the first start only: a part whose
// dependency restarts is expected to reconnect by itself, as real programs do.
//
// Stopping goes the other way round: a part is told to stop when every part
// that depends on it has ended. Child processes get SIGTERM, then, after their
// StopTimeout, SIGKILL together with their whole process group. On Linux a
// child is also killed by the kernel when the supervising process dies without
// a chance to stop it.
package supervise
