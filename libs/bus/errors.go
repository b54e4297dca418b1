// SPDX-License-Identifier: Apache-2.0

package bus

import (
	"errors"
	"fmt"
	"time"
)

type permanentError struct{ err error }

func (e permanentError) Error() string { return e.err.Error() }
func (e permanentError) Unwrap() error { return e.err }

// Permanent marks err as one that no retry can mend: the event is
// dead-lettered with err as its reason.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

// IsPermanent reports whether err was marked by [Permanent].
func IsPermanent(err error) bool { var p permanentError; return errors.As(err, &p) }

type afterError struct {
	delay time.Duration
	err   error
}

func (e afterError) Error() string { return fmt.Sprintf("%v (again in %s)", e.err, e.delay) }
func (e afterError) Unwrap() error { return e.err }

// After asks for the event again after d. It is not counted as an attempt:
// use it where something outside is not ready yet.
func After(d time.Duration, err error) error {
	if err == nil {
		err = errors.New("not ready yet")
	}
	return afterError{d, err}
}
