// SPDX-License-Identifier: Apache-2.0

// Package eventstest gives tests one filled-in payload of every event.
package eventstest

import (
	"time"

	"github.com/hydra-platform/hydra/events"
)

// at is when the sample events happened.
var at = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

// Meta is the envelope of the sample for p.
func Meta(p events.Payload) events.Meta {
	return events.Meta{
		ID: "Zm9vYmFyYmF6cXV4MTIzNA", Source: "/hydra/sample", Type: p.EventType(), Subject: p.SubjectID(), Time: at,
		Project: "acme", App: "shop", CorrelationID: "Y29ycmVsYXRpb24tMTIzNA", CausationID: "Y2F1c2UtMTIzNDU2Nzg5MA",
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
}

// Samples returns a payload of every type in the catalogue, every field set.
func Samples() []events.Payload {
	const (
		sha      = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
		image    = "127.0.0.1:7050/acme/shop@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
		artifact = "pkg:oci/shop@sha256%3A9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	)
	var (
		commit      = events.Commit{Repository: "https://git.example.com/acme/shop.git", Branch: "main", SHA: sha, Message: "Greet by name", Author: "build robot", Time: at}
		environment = events.Reference{ID: "hydra-acme", Source: "/hydra/cluster/local"}
		service     = &events.Reference{ID: "shop"}
		suite       = &events.TestSuite{ID: "unit", Name: "go test ./..."}
		state       = events.ServiceState{Name: "shop", Revision: 2, BuildID: "b1f2e3d4c5b6a", Image: image, Replicas: 2, URL: "http://shop.acme.localhost:7080", Duration: 4.2}
		three       = 3
	)
	return []events.Payload{
		events.ProjectCreated{Name: "acme", Description: "the shop", By: "admin"},
		events.ProjectDeleted{Name: "acme", By: "admin"},
		events.WebhookCreated{ID: "w1", Provider: "github", By: "admin"},
		events.WebhookDeleted{ID: "w1", By: "admin"},
		events.TokenCreated{ID: "0a1b2c3d4e5f", Name: "ci", Projects: []string{"acme"}, Admin: true, By: "admin"},
		events.TokenRevoked{ID: "0a1b2c3d4e5f", Name: "ci", By: "admin"},
		events.ApplicationRequested{Name: "shop", Repository: commit.Repository, Branch: "main", Path: "services/shop", Spec: "kind: Application\n", By: "admin"},
		events.ApplicationRemovalRequested{Name: "shop", By: "admin"},
		events.ChangeMerged{Repository: &events.Reference{ID: "acme/shop", Source: "https://git.example.com"}, ChangeID: sha, Commit: commit, Provider: "github", Delivery: "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
		events.BuildRequested{Name: "shop", SHA: sha, By: "admin"},
		events.BuildQueued{BuildID: "b1f2e3d4c5b6a", Commit: commit},
		events.BuildStarted{BuildID: "b1f2e3d4c5b6a", Commit: commit, Strategy: "dockerfile", Logs: "log.acme.shop.build.b1f2e3d4c5b6a"},
		events.TestSuiteRunStarted{Environment: environment, TestSuite: suite, RunID: "b1f2e3d4c5b6a-unit", BuildID: "b1f2e3d4c5b6a"},
		events.TestSuiteRunFinished{Environment: environment, TestSuite: suite, Outcome: events.Failure, Reason: "TestGreet failed", RunID: "b1f2e3d4c5b6a-unit", BuildID: "b1f2e3d4c5b6a", Passed: 7, Failed: 1, Skipped: 2, Duration: 1.5},
		events.ArtifactPublished{ArtifactID: artifact, Image: image, BuildID: "b1f2e3d4c5b6a", Commit: commit, Spec: "kind: Application\n", SpecPath: "hydra.yaml"},
		events.BuildFinished{ArtifactID: artifact, BuildID: "b1f2e3d4c5b6a", Commit: commit, Outcome: events.Success, Reason: "none", Image: image, Cached: true, Duration: 12.5},
		events.RolloutStarted{Revision: 2, BuildID: "b1f2e3d4c5b6a", Image: image, Cause: "build"},
		events.ServiceDeployed{Environment: environment, ArtifactID: artifact, State: state},
		events.ServiceUpgraded{Environment: environment, ArtifactID: artifact, State: state},
		events.RolloutFailed{Revision: 3, BuildID: "b1f2e3d4c5b6a", Image: image, Reason: "CrashLoopBackOff", Message: "container shop ended with code 1", Duration: 20.5},
		events.ServiceRolledBack{Environment: environment, ArtifactID: artifact, State: state, FromRevision: 3, Reason: "CrashLoopBackOff", Automatic: true},
		events.RollbackRequested{Name: "shop", Revision: 1, By: "admin"},
		events.ServiceRemoved{Environment: environment, Name: "shop"},
		events.IncidentDetected{Description: "the image cannot be pulled", Environment: environment, Service: service, IncidentID: "i1", Reason: "ImagePullBackOff", Object: "Pod/shop-7d9f", Revision: 3},
		events.IncidentResolved{Description: "the pod is ready", Environment: environment, Service: service, IncidentID: "i1", Duration: 30},
		events.TelemetryRolledOut{Release: "hydra-telemetry", Revision: 1, Components: []string{"collector", "prometheus"}, Duration: 9.5},
		events.TelemetryVerified{Release: "hydra-telemetry", Checks: map[string]bool{"metric": true}},
		events.TelemetryFailed{Release: "hydra-telemetry", Component: "prometheus", Reason: "not ready after 2m0s"},
		events.WorkloadMeasured{Name: "shop", Window: 30, Requests: 120.5, Errors: 0.01, LatencyP95: 0.02, CPU: 0.4, Memory: 2.5e7, Replicas: 2, At: at},
		events.ScalingRequested{Name: "shop", Replicas: &three, By: "admin"},
		events.ScalingDecided{Name: "shop", Signal: "requests", Inputs: map[string]float64{"requestsPerSecond": 120.5}, From: 2, Proposed: 5, To: 4, Clamps: []string{"max 4"}, Reason: "120.5 requests per second are 5 replicas of 25"},
		events.WorkloadScaled{Name: "shop", From: 2, To: 4, Reason: "120.5 requests per second"},
		events.PlanRequested{PlanID: "p1", Name: "prod", Spec: "name: prod\n", By: "admin"},
		events.InfrastructurePlanned{Name: "prod", PlanID: "p1", Create: 40, Change: 1, Replace: 1, Delete: 1, Monthly: 812.4},
		events.InfrastructurePlanFailed{Name: "prod", PlanID: "p1", Reason: "permission ec2:DescribeVpcs is missing"},
		events.DeliveryDeadLettered{Unit: "builder", EventID: "e1", Type: "dev.cdevents.change.merged.0.3.0", OriginSequence: "42", Attempts: 10, Reason: "decode CDEvent: unexpected end"},
	}
}
