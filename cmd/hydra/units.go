// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/builder"
	"github.com/hydra-platform/hydra/services/deployer"
	"github.com/hydra-platform/hydra/services/gateway"
	"github.com/hydra-platform/hydra/services/observer"
	"github.com/hydra-platform/hydra/services/provisioner"
	"github.com/hydra-platform/hydra/services/scaler"
)

// units is the platform, in the order in which a push travels through it.
func units() []service.Unit {
	return []service.Unit{
		gateway.Unit,
		builder.Unit,
		deployer.Unit,
		observer.Unit,
		scaler.Unit,
		provisioner.Unit,
	}
}
