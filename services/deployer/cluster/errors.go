// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
)

// Errors of a [Cluster]; test with errors.Is.
var (
	ErrUnreachable = errors.New("the cluster cannot be reached")
	ErrNotYet      = errors.New("not possible yet")
)

// Refused is what the cluster will say to the same object every time.
type Refused struct {
	Reason  string // one word
	Message string
}

func (r *Refused) Error() string { return r.Message }

// classify turns an error of a client into one of this package.
func classify(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var refused *Refused
	message := err.Error()
	switch {
	case errors.As(err, &refused), errors.Is(err, ErrNotYet), errors.Is(err, ErrUnreachable):
		return err
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return fmt.Errorf("%w: %w", ErrNotYet, err)
	case apierrors.IsForbidden(err) && strings.Contains(message, "exceeded quota"):
		return &Refused{"QuotaExceeded", message}
	case apierrors.IsForbidden(err):
		return &Refused{"Forbidden", message}
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err), apierrors.IsUnsupportedMediaType(err):
		return &Refused{"Invalid", message}
	case strings.Contains(message, "failed to create typed patch object"):
		return &Refused{"Invalid", message} // an unknown field, which the server reports as its own fault
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err), apierrors.IsConflict(err), apierrors.IsAlreadyExists(err):
		return fmt.Errorf("%w: %w", ErrNotYet, err) // such as a CRD or a namespace that is about to be there
	case apierrors.IsInternalError(err) && strings.Contains(message, "webhook"):
		return fmt.Errorf("%w: %w", ErrNotYet, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}
