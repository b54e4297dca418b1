// SPDX-License-Identifier: Apache-2.0

package plan

import (
	_ "embed"
	"fmt"

	"sigs.k8s.io/yaml"
)

//go:embed prices.yaml
var priceFile []byte

// prices is the table that the costs are reckoned by.
type prices struct {
	HoursPerMonth float64 `json:"hoursPerMonth"`
	Sources       []struct {
		What, Region, Date, From string
	} `json:"sources"`
	Regions map[string]regionPrices `json:"regions"`
}

type regionPrices struct {
	NATGatewayHour    float64            `json:"natGatewayHour"`
	PublicAddressHour float64            `json:"publicAddressHour"`
	GP3GBMonth        float64            `json:"gp3GBMonth"`
	InstanceHour      map[string]float64 `json:"instanceHour"`
}

func readPrices() (prices, error) {
	var p prices
	if err := yaml.Unmarshal(priceFile, &p); err != nil {
		return p, fmt.Errorf("read price table: %w", err)
	}
	return p, nil
}

// cost is USD a month, or unknown with the reason.
type cost struct {
	usd     float64
	unknown string
}

func (c cost) plus(d cost) cost {
	if c.unknown == "" {
		c.unknown = d.unknown
	}
	c.usd += d.usd
	return c
}

func (c cost) times(n float64) cost { c.usd *= n; return c }

// tariff reckons in one region.
type tariff struct {
	region string
	hours  float64
	known  bool
	regionPrices
}

func (p prices) tariff(region string) tariff {
	r, ok := p.Regions[region]
	return tariff{region: region, hours: p.HoursPerMonth, known: ok, regionPrices: r}
}

func (t tariff) noRegion() cost {
	return cost{unknown: "no prices of region " + t.region + " are known"}
}

func (t tariff) instance(kind string) cost {
	if !t.known {
		return t.noRegion()
	}
	usd, ok := t.InstanceHour[kind]
	if !ok {
		return cost{unknown: "no price of " + kind + " is known"}
	}
	return cost{usd: usd * t.hours}
}

func (t tariff) disk(gb int) cost {
	if !t.known {
		return t.noRegion()
	}
	return cost{usd: t.GP3GBMonth * float64(gb)}
}

func (t tariff) address() cost {
	if !t.known {
		return t.noRegion()
	}
	return cost{usd: t.PublicAddressHour * t.hours}
}

func (t tariff) natGateway() cost {
	if !t.known {
		return t.noRegion()
	}
	return cost{usd: t.NATGatewayHour * t.hours}
}
