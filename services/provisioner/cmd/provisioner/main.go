// SPDX-License-Identifier: Apache-2.0

// Command provisioner plans clusters on AWS.
package main

import (
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/provisioner"
)

func main() { service.Main(provisioner.Unit) }
