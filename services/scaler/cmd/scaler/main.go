// SPDX-License-Identifier: Apache-2.0

// Command scaler turns load into replicas.
package main

import (
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/scaler"
)

func main() { service.Main(scaler.Unit) }
