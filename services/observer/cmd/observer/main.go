// SPDX-License-Identifier: Apache-2.0

// Command observer watches and measures the apps of a cluster.
package main

import (
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/observer"
)

func main() { service.Main(observer.Unit) }
