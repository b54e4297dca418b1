// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/libs/kube"
	"github.com/hydra-platform/hydra/services/observer/helm"
	"github.com/hydra-platform/hydra/services/observer/prometheus"
	"github.com/hydra-platform/hydra/services/observer/telemetryset"
)

// reverify is how often a set that works is checked again.
const reverify = 5 * time.Minute

// rollout keeps the telemetry set of a cluster installed and working.
type rollout struct {
	*Service
	client *kube.Client
	b      *buckets
	values telemetryset.Values
}

// keep rolls the set out and checks it, again and again, until ctx ends. A
// set that fails is tried again with a growing wait and is told once for each
// reason.
func (r *rollout) keep(ctx context.Context) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 5*time.Second, 2*time.Minute
	for {
		next := reverify
		if err := r.once(ctx); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			next = wait.NextBackOff()
			zerolog.Ctx(ctx).Warn().Err(err).Dur("retry", next).Msg("telemetry set does not work")
		} else {
			wait.Reset()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(next):
		}
	}
}

// failure is a component that does not work.
type failure struct {
	component string
	err       error
}

func (f failure) Error() string { return f.component + ": " + f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// once does all steps in order; each may be repeated.
func (r *rollout) once(ctx context.Context) error {
	err := r.install(ctx)
	if err == nil {
		err = r.verify(ctx)
	}
	var f failure
	if err == nil || !errors.As(err, &f) || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, r.failed(ctx, f))
}

func (r *rollout) install(ctx context.Context) error {
	chart, err := telemetryset.Chart()
	if err != nil {
		return failure{"chart", err}
	}
	began := r.clock.Now()
	missing := r.missing(ctx)
	if missing {
		if _, err := r.b.telemetry.Update(ctx, telemetryset.Release, func(t *record.Telemetry, _ bool) error {
			t.Release, t.Phase, t.Components, t.UpdatedAt = telemetryset.Release, record.Running, telemetryset.Components(), began
			return nil
		}); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.RolloutTimeout+30*time.Second)
	defer cancel()
	result, err := helm.New(r.client.Config, r.cfg.Namespace).Ensure(ctx, helm.Request{
		Name: telemetryset.Release, Chart: chart, Values: r.values.Map(), Timeout: r.cfg.RolloutTimeout, Force: missing,
	})
	if result.Resumed != "" {
		zerolog.Ctx(ctx).Info().Str("release", telemetryset.Release).Str("was", result.Resumed).Msg("took up an interrupted roll-out")
	}
	if err != nil {
		return r.blame(ctx, err)
	}
	known, getErr := r.b.telemetry.Get(ctx, telemetryset.Release)
	if !result.Changed && getErr == nil && known.Revision == result.Revision {
		return nil
	}
	now := r.clock.Now()
	err = r.bus.Emit(ctx, events.TelemetryRolledOut{
		Release: telemetryset.Release, Revision: result.Revision, Components: telemetryset.Components(), Duration: now.Sub(began).Seconds(),
	}, bus.For(events.None, events.None), bus.Key(fmt.Sprintf("%s.%d.%d", telemetryset.Release, result.Revision, began.Unix())))
	if err != nil {
		return err
	}
	_, err = r.b.telemetry.Update(ctx, telemetryset.Release, func(t *record.Telemetry, _ bool) error {
		t.Release, t.Revision, t.Components, t.UpdatedAt = telemetryset.Release, result.Revision, telemetryset.Components(), now
		t.Phase, t.Reason, t.Checks = record.Running, "", nil
		return nil
	})
	return err
}

// missing reports whether a Deployment of the set is not there although the
// release may say so: somebody removed it.
func (r *rollout) missing(ctx context.Context) bool {
	for _, name := range telemetryset.Components() {
		var d *appsv1.Deployment
		d, err := r.client.Typed.AppsV1().Deployments(r.cfg.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil || d.Spec.Replicas != nil && *d.Spec.Replicas == 0 {
			return true
		}
	}
	return false
}

// blame finds the component that kept the set from becoming ready, with the
// reason of its pod.
func (r *rollout) blame(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	w := &watch{client: r.client.Typed}
	for _, name := range telemetryset.Components() {
		pods, listErr := r.client.Typed.CoreV1().Pods(r.cfg.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + name})
		if listErr != nil {
			break
		}
		for i := range pods.Items {
			p := &pods.Items[i]
			e := Evidence{Pod: p, Now: r.clock.Now(), Warnings: w.warnings(ctx, p), Log: w.lastWords(ctx, p)}
			if v, bad := Judge(e); bad {
				return failure{name, fmt.Errorf("%s: %s (%w)", v.Reason, v.Message, err)}
			}
		}
	}
	return failure{"helm", err}
}

func (r *rollout) verify(ctx context.Context) error {
	transport, err := rest.TransportFor(r.client.Config)
	if err != nil {
		return failure{"hydra-prometheus", err}
	}
	metrics, err := prometheus.ThroughCluster(r.client.Config, r.cfg.Namespace, r.cfg.PrometheusService)
	if err != nil {
		return failure{"hydra-prometheus", err}
	}
	v := &verifier{
		metrics: metrics, transport: transport, now: r.clock.Now, entry: r.values.EntryTarget != "",
		collector: prometheus.ServiceURL(r.client.Config, r.cfg.Namespace, "hydra-collector:4318"),
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.VerifyTimeout)
	defer cancel()
	checks, component, err := v.verify(ctx)
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		_, _ = r.b.telemetry.Update(ctx, telemetryset.Release, func(t *record.Telemetry, _ bool) error { t.Checks = checks; return nil })
		return failure{component, err}
	}
	known, err := r.b.telemetry.Get(ctx, telemetryset.Release)
	if err != nil {
		return err
	}
	if known.Phase != record.Succeeded {
		if err := r.bus.Emit(ctx, events.TelemetryVerified{Release: telemetryset.Release, Checks: checks},
			bus.For(events.None, events.None), bus.Key(telemetryset.Release+"."+v.run)); err != nil {
			return err
		}
	}
	_, err = r.b.telemetry.Update(ctx, telemetryset.Release, func(t *record.Telemetry, _ bool) error {
		t.Checks, t.Phase, t.Reason, t.UpdatedAt = checks, record.Succeeded, "", r.clock.Now()
		return nil
	})
	return err
}

// failed tells a reason once.
func (r *rollout) failed(ctx context.Context, f failure) error {
	reason := oneLine(f.Error())
	known, err := r.b.telemetry.Get(ctx, telemetryset.Release)
	if err == nil && known.Phase == record.Failed && known.Reason == reason {
		return nil
	}
	now := r.clock.Now()
	if err := r.bus.Emit(ctx, events.TelemetryFailed{Release: telemetryset.Release, Component: f.component, Reason: oneLine(f.err.Error())},
		bus.For(events.None, events.None), bus.Key(fmt.Sprintf("%s.failed.%d", telemetryset.Release, now.Unix()))); err != nil {
		return err
	}
	_, err = r.b.telemetry.Update(ctx, telemetryset.Release, func(t *record.Telemetry, _ bool) error {
		t.Release, t.Components, t.Phase, t.Reason, t.UpdatedAt = telemetryset.Release, telemetryset.Components(), record.Failed, reason, now
		return nil
	})
	return err
}
