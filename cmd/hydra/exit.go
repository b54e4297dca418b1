// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hydra-platform/hydra/cmd/hydra/api"
	"github.com/hydra-platform/hydra/cmd/hydra/platform"
)

// Exit codes, as the help of the root command says.
const (
	codeOK       = 0
	codeError    = 1
	codeUsage    = 2
	codeNotFound = 3
	codeRefused  = 4
	codeTimeout  = 5
	codeFailed   = 6
)

// usageError is a mistake in the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// notFoundError names what is not there.
type notFoundError struct{ text string }

func (e *notFoundError) Error() string { return e.text }

// timeoutError says that waiting ended; what was waited for goes on.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string { return fmt.Sprintf("not done after %s", e.after) }

// outcomeError says that what was waited for ended badly.
type outcomeError struct{ text string }

func (e *outcomeError) Error() string { return e.text }

var (
	errSilent   = errors.New("") // everything was said already
	errNoServer = errors.New("no gateway is known: start one with `hydra up`, sign in with `hydra login URL`, or name it with --server")
)

func exitCode(ctx context.Context, err error) int {
	var (
		usage    *usageError
		missing  *notFoundError
		outcome  *outcomeError
		timeout  *timeoutError
		problem  *api.Problem
		deadline = errors.Is(err, context.DeadlineExceeded) || errors.As(context.Cause(ctx), &timeout)
	)
	switch {
	case errors.As(err, &usage):
		return codeUsage
	case errors.As(err, &missing), errors.Is(err, platform.ErrNotRunning):
		return codeNotFound
	case errors.As(err, &outcome):
		return codeFailed
	case errors.As(err, &timeout), deadline:
		return codeTimeout
	case errors.As(err, &problem):
		switch problem.Status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return codeRefused
		case http.StatusNotFound, http.StatusGone:
			return codeNotFound
		case http.StatusBadRequest, http.StatusUnprocessableEntity:
			return codeUsage
		}
	}
	return codeError
}

// advice is the next step, where the error itself does not say it.
func advice(err error, cmd *cobra.Command) string {
	var (
		usage       *usageError
		problem     *api.Problem
		unreachable *api.UnreachableError
	)
	switch {
	case errors.As(err, &usage) && cmd != nil:
		return fmt.Sprintf("see `%s --help`", cmd.CommandPath())
	case errors.As(err, &unreachable):
		return "is it running? look with `hydra status`, start it with `hydra up`, or name another with --server"
	case errors.Is(err, platform.ErrNotRunning):
		return "start it with `hydra up`"
	case errors.As(err, &problem) && strings.HasPrefix(problem.Path, "/hooks/"):
		return "" // its secret was wrong, not our token
	case errors.As(err, &problem) && problem.Status == http.StatusUnauthorized:
		return "sign in with `hydra login`, or pass --token"
	case errors.As(err, &problem) && problem.Status == http.StatusForbidden:
		return "see who you are with `hydra whoami`"
	}
	return ""
}

func suggestion(cmd *cobra.Command, arg string) string {
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(arg); len(s) > 0 {
		return fmt.Sprintf("; did you mean %q?", s[0])
	}
	return ""
}
