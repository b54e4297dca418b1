// SPDX-License-Identifier: Apache-2.0

// Package clock makes time injectable: code that decides by time takes a
// [Clock], so that its tests decide what time it is.
package clock

import "time"

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock, in UTC.
type System struct{}

// Now returns the current time in UTC.
func (System) Now() time.Time { return time.Now().UTC() }
