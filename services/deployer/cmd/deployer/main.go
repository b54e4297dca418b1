// SPDX-License-Identifier: Apache-2.0

// Command deployer runs the deployer as a process of its own.
package main

import (
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/deployer"
)

func main() { service.Main(deployer.Unit) }
