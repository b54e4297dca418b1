// SPDX-License-Identifier: Apache-2.0

// Package events is Hydra's contract: every event that services exchange and
// that others may publish, subscribe to and replay.
//
// An event on the wire is a CloudEvent 1.0 whose data is a CDEvent. Where
// CDEvents v0.5 has the word (change, build, artifact, service, incident, ...)
// that type is used unchanged; the rest are custom CDEvents named
// dev.cdeventsx.hydra-<noun>.<verb>.<version>.
//
// The journey of one push, in the order of [Catalog]:
//
//   - A webhook arrives and becomes [ChangeMerged].
//   - The builder answers [BuildQueued], [BuildStarted], [TestSuiteRunStarted],
//     [TestSuiteRunFinished], [ArtifactPublished] and [BuildFinished].
//   - The deployer takes the artifact: [RolloutStarted], then [ServiceDeployed]
//     or [ServiceUpgraded] when the app is healthy, or [RolloutFailed] followed
//     by [ServiceRolledBack].
//   - The observer reports [IncidentDetected], [IncidentResolved] and
//     [WorkloadMeasured].
//   - The scaler turns a measurement into [ScalingDecided] and [WorkloadScaled].
//
// A payload writes its own wire name (EventType) so that renaming a Go type
// changes no bytes. Fields are only ever added. Of a payload's fields those
// tagged `cdevents:"content"` travel in the CDEvent's subject.content, the
// others in customData; a custom CDEvent carries all of them in its content.
package events
