// SPDX-License-Identifier: Apache-2.0

package events

// Catalog lists every payload, in the order in which a push meets them.
func Catalog() []Payload {
	return []Payload{
		ProjectCreated{},
		ProjectDeleted{},
		WebhookCreated{},
		WebhookDeleted{},
		TokenCreated{},
		TokenRevoked{},
		ApplicationRequested{},
		ApplicationRemovalRequested{},

		ChangeMerged{},
		BuildRequested{},
		BuildQueued{},
		BuildStarted{},
		TestSuiteRunStarted{},
		TestSuiteRunFinished{},
		ArtifactPublished{},
		BuildFinished{},

		RolloutStarted{},
		ServiceDeployed{},
		ServiceUpgraded{},
		RolloutFailed{},
		ServiceRolledBack{},
		RollbackRequested{},
		ServiceRemoved{},

		IncidentDetected{},
		IncidentResolved{},
		TelemetryRolledOut{},
		TelemetryVerified{},
		TelemetryFailed{},

		WorkloadMeasured{},
		ScalingRequested{},
		ScalingDecided{},
		WorkloadScaled{},

		PlanRequested{},
		InfrastructurePlanned{},
		InfrastructurePlanFailed{},

		DeliveryDeadLettered{},
	}
}
