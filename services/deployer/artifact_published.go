// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/store"
	"github.com/hydra-platform/hydra/services/deployer/oam"
)

// onArtifactPublished rolls out a build, in the form that the app was given
// through the API or else the one in its repository.
func (s *Service) onArtifactPublished(ctx context.Context, e events.Event[events.ArtifactPublished]) error {
	st, err := s.open(ctx)
	if err != nil {
		return err
	}
	app, err := st.apps.Get(ctx, record.Key(e.Project, e.App))
	if errors.Is(err, store.ErrNotFound) || err == nil && app.Status == record.AppRemoving {
		zerolog.Ctx(ctx).Info().Str("build", e.Data.BuildID).Msg("image of an app that is not there any more")
		return nil
	}
	if err != nil {
		return err
	}
	spec, path := app.Spec, ""
	if spec == "" {
		spec, path = e.Data.Spec, e.Data.SpecPath
	}
	if spec == "" {
		spec = oam.Fileless(app.Name)
	}
	return s.deploy(ctx, st, record.Release{
		Project: e.Project, App: e.App, Cause: causeBuild, CauseID: e.ID, CorrelationID: e.CorrelationID,
		BuildID: e.Data.BuildID, SHA: e.Data.Commit.SHA, Message: e.Data.Commit.Message, Image: e.Data.Image, ArtifactID: e.Data.ArtifactID,
		Spec: spec, SpecPath: path,
	})
}
