// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"context"
	"fmt"
	"time"

	"github.com/hydra-platform/hydra/libs/bus"
	"github.com/hydra-platform/hydra/services/builder"
	"github.com/hydra-platform/hydra/services/deployer"
	"github.com/hydra-platform/hydra/services/gateway"
	"github.com/hydra-platform/hydra/services/observer"
	"github.com/hydra-platform/hydra/services/provisioner"
)

// wire tells the services where the parts are. Everything else is theirs: a
// configuration file or the environment wins over what is set here.
func (p *Platform) wire(_ string, cfg any) {
	switch c := cfg.(type) {
	case *gateway.Config:
		c.Listen = fmt.Sprintf("127.0.0.1:%d", p.ports.Gateway)
		c.Routes = p.routes()
		c.Parts = p.gatewayParts
	case *builder.Config:
		c.BuildkitAddr = p.buildkitAddr()
		c.Registry = p.registryAddr()
		c.LocalRepositories = append(c.LocalRepositories, p.opts.GitRoots...)
	case *deployer.Config:
		if p.hasEntry() {
			c.EntryPort = p.ports.Entry
		}
	case *observer.Config:
		for program, image := range map[string]*string{"prometheus": &c.PrometheusImage, "collector": &c.CollectorImage} {
			if own := p.telemetryImage(program); own != "" {
				*image = own
			}
		}
		c.EntryTarget = p.entryTarget()
	case *provisioner.Config:
		c.AWSEndpoint = p.opts.AWSEndpoint
	}
}

// routes is the event graph of the whole platform, also where only some of its
// units run here.
func (p *Platform) routes() []bus.Route {
	var out []bus.Route
	for _, u := range p.opts.Units {
		out = append(out, u.Routes...)
	}
	return out
}

// gatewayParts is what the API tells about the platform. Addresses on this
// machine and files in the data directory are nobody's business there.
func (p *Platform) gatewayParts(context.Context) []gateway.Part {
	var out []gateway.Part
	for _, s := range p.sup.Status() {
		out = append(out, gateway.Part{
			Name: s.Name, State: string(s.State), Ready: s.ReadyIn.Round(time.Millisecond).Seconds(), Restarts: s.Restarts, Reason: s.Reason, Since: s.Since,
		})
	}
	return out
}
