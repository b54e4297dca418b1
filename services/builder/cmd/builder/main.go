// SPDX-License-Identifier: Apache-2.0

// Command builder runs the builder as a process of its own.
package main

import (
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/builder"
)

func main() { service.Main(builder.Unit) }
