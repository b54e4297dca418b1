// SPDX-License-Identifier: Apache-2.0

package deployer

import (
	"cmp"
	"context"
	"fmt"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/services/deployer/oam"
)

// onApplicationRequested stores the app in its new form and rolls it out when
// it has all it needs. A form that is not valid changes nothing and is
// answered by rollout.failed.
func (s *Service) onApplicationRequested(ctx context.Context, e events.Event[events.ApplicationRequested]) error {
	want := e.Data
	if err := events.ValidateName("app", want.Name); err != nil {
		return bus.Permanent(err)
	}
	if err := events.ValidateName("project", e.Project); err != nil {
		return bus.Permanent(err)
	}
	refuse := func(message string) error {
		failed := events.RolloutFailed{Reason: reasonInvalid, Message: message}
		return s.bus.Emit(ctx, failed, bus.For(e.Project, want.Name))
	}
	var needsImage []string
	switch {
	case want.Spec == "" && want.Repository == "":
		return refuse("the app has neither a repository nor a spec; give one of them")
	case want.Spec != "":
		parsed, _, err := oam.Parse("spec", []byte(want.Spec))
		if err != nil {
			return refuse(err.Error())
		}
		needsImage = parsed.NeedsImage()
		if len(needsImage) > 0 && want.Repository == "" {
			return refuse(fmt.Sprintf("component %s has no image and the app has no repository to build one from", needsImage[0]))
		}
	}
	st, err := s.open(ctx)
	if err != nil {
		return err
	}
	_, err = st.apps.Update(ctx, record.Key(e.Project, want.Name), func(a *record.App, exists bool) error {
		before := *a
		if !exists {
			*a = record.App{Project: e.Project, Name: want.Name, Status: record.AppPending, CreatedAt: s.clock.Now()}
		}
		a.Repository, a.Path, a.Spec, a.Branch = want.Repository, want.Path, want.Spec, ""
		if want.Repository != "" {
			a.Branch = cmp.Or(want.Branch, "main")
		}
		if a.Status == record.AppPending {
			a.Reason = "waiting for the first build"
		}
		if before.Repository != a.Repository || before.Branch != a.Branch || before.Path != a.Path || before.Spec != a.Spec {
			a.UpdatedAt = s.clock.Now()
		}
		return nil
	})
	if err != nil || want.Spec == "" {
		return err
	}
	releases, err := s.history(ctx, st, e.Project, want.Name)
	if err != nil {
		return err
	}
	rel := record.Release{
		Project: e.Project, App: want.Name, Cause: causeApply, CauseID: e.ID, CorrelationID: e.CorrelationID, Spec: want.Spec,
		Message: "applied" + by(want.By),
	}
	if built := lastBuilt(releases); built != nil {
		rel.BuildID, rel.SHA, rel.Image, rel.ArtifactID = built.BuildID, built.SHA, built.Image, built.ArtifactID
	}
	if len(needsImage) > 0 && rel.Image == "" {
		return nil // pending: the build will deploy it
	}
	if current := lastHealthy(releases, nil); current != nil && current == newest(releases) && current.CauseID != e.ID &&
		current.Spec == rel.Spec && current.Image == rel.Image {
		return nil // it runs in this form already
	}
	return s.deploy(ctx, st, rel)
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}
