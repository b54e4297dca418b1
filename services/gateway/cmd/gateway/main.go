// SPDX-License-Identifier: Apache-2.0

// Command gateway is the platform's door: webhooks, REST, live streams and
// the web page.
package main

import (
	"github.com/hydra-platform/hydra/libs/service"
	"github.com/hydra-platform/hydra/services/gateway"
)

func main() { service.Main(gateway.Unit) }
