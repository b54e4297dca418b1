// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/hydra-platform/hydra/events/record"
	"github.com/hydra-platform/hydra/services/provisioner/spec"
)

// Actions on a resource.
const (
	Create  = "create"
	Change  = "change"
	Replace = "replace"
	Delete  = "delete"
	Keep    = "keep"
)

// Make compares what is wanted with what was found. The result has neither id
// nor time: they are the caller's.
func Make(c spec.Cluster, seen Observed) (record.Plan, error) {
	table, err := readPrices()
	if err != nil {
		return record.Plan{}, err
	}
	seen = seen.normal()
	g := &graph{name: c.Metadata.Name, spec: c.Spec, tariff: table.tariff(c.Spec.Region)}
	if err := g.build(); err != nil {
		return record.Plan{}, err
	}
	m := &maker{graph: g, seen: seen, found: map[string][]Found{}, owner: seen.Owner}
	for _, f := range seen.Resources {
		m.found[f.Key] = append(m.found[f.Key], f)
	}
	p := record.Plan{
		Cluster: c.Metadata.Name, Phase: record.Succeeded, Region: c.Spec.Region,
		SpecHash: hash(c), SeenHash: hash(seen), Resources: m.resources(),
	}
	for _, r := range p.Resources {
		p.Monthly += r.Monthly
	}
	p.Monthly = cents(p.Monthly)
	p.Warnings = append(slices.Clone(g.warn), m.warn...)
	if len(m.unknown) > 0 {
		p.Warnings = append(p.Warnings, "the total leaves out what is unknown: "+strings.Join(m.unknown, "; "))
	}
	for _, s := range table.Sources {
		if g.tariff.known {
			p.Warnings = append(p.Warnings, fmt.Sprintf("prices of %s: %s, %s; from: %s", s.What, s.Region, s.Date, s.From))
		}
	}
	return p, nil
}

// maker turns wants and findings into lines of the plan.
type maker struct {
	graph   *graph
	seen    Observed
	found   map[string][]Found
	owner   string
	replace map[string]bool // keys that are made anew, with what is in them
	unknown []string
	warn    []string
}

func (m *maker) resources() []record.PlanResource {
	m.replace = map[string]bool{}
	wanted := map[string]bool{}
	var out []record.PlanResource
	for _, w := range m.graph.wants {
		wanted[w.key] = true
		out = append(out, m.line(w))
	}
	// What carries this cluster's tags and is not wanted goes, the last made
	// first; so do second ones of a kind, which a crash may have left.
	var rest []Found
	for _, f := range m.seen.Resources {
		if !wanted[f.Key] {
			rest = append(rest, f)
		}
	}
	slices.SortStableFunc(rest, func(a, b Found) int { return order(b.Kind) - order(a.Kind) })
	for _, f := range rest {
		out = append(out, record.PlanResource{Key: f.Key, Kind: f.Kind, Action: Delete, ID: f.ID, Reason: "it is no longer part of the spec", After: m.blockers(f, rest)})
	}
	for _, w := range m.graph.wants {
		if all := m.found[w.key]; len(all) > 1 {
			for _, f := range all[1:] {
				out = append(out, record.PlanResource{Key: f.Key + "#" + f.ID, Kind: f.Kind, Action: Delete, ID: f.ID, Reason: "there are two of it; " + all[0].ID + " is kept"})
			}
		}
	}
	return out
}

// line decides about one wanted resource.
func (m *maker) line(w want) record.PlanResource {
	r := record.PlanResource{Key: w.key, Kind: w.kind, After: w.after, Detail: maps.Clone(w.detail), Monthly: cents(w.cost.usd)}
	if r.Detail == nil {
		r.Detail = map[string]string{}
	}
	for k, v := range w.attributes {
		if _, written := r.Detail[k]; !written {
			r.Detail[k] = v
		}
	}
	if w.config != "" {
		r.Detail[TagConfig] = w.config
	}
	if w.cost.unknown != "" {
		r.Detail["cost"] = w.cost.String()
		m.unknown = append(m.unknown, w.key+": "+w.cost.unknown)
	}
	all := m.found[w.key]
	if len(all) == 0 {
		r.Action, r.Reason = Create, "it does not exist"
		if name := w.attributes["name"]; name != "" && slices.Contains(m.seen.Foreign, w.kind+":"+name) {
			r.Reason = "it does not exist, and its name is taken"
			m.warn = append(m.warn, fmt.Sprintf("%s: the name %s belongs to something that this installation did not make; rename the cluster or remove that", w.key, name))
		}
		return r
	}
	f := all[0]
	r.ID = f.ID
	differences, fixed := m.compare(w, f)
	var parent string
	for _, key := range w.after {
		if m.replace[key] && !outlives(w.kind) {
			parent = key
		}
	}
	switch {
	case fixed:
		r.Action, r.Reason = Replace, strings.Join(differences, "; ")
	case parent != "":
		r.Action, r.Reason = Replace, parent+" is replaced"
	case len(differences) > 0:
		r.Action, r.Reason = Change, strings.Join(differences, "; ")
	default:
		r.Action = Keep
	}
	m.replace[w.key] = r.Action == Replace && holds(w.kind)
	return r
}

// compare lists what differs and whether any of it cannot be changed in place.
func (m *maker) compare(w want, f Found) (differences []string, fixed bool) {
	for _, name := range slices.Sorted(maps.Keys(w.attributes)) {
		is, ok := f.Attributes[name]
		if !ok || is == w.attributes[name] {
			continue // what was not observed is not claimed to differ
		}
		differences = append(differences, fmt.Sprintf("%s is %s, want %s", name, is, w.attributes[name]))
		fixed = fixed || slices.Contains(w.fixed, name)
	}
	if w.untagged {
		return differences, fixed
	}
	tags := m.tags(w)
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		is, ok := f.Tags[name]
		switch {
		case is == tags[name] && ok:
			continue
		case name == TagConfig:
			differences = append(differences, "it was made from another configuration")
			fixed = fixed || slices.Contains(w.fixed, "config")
		case !ok:
			differences = append(differences, fmt.Sprintf("tag %s is missing, want %s", name, tags[name]))
		default:
			differences = append(differences, fmt.Sprintf("tag %s is %s, want %s", name, is, tags[name]))
		}
	}
	return differences, fixed
}

// tags are those that a resource must carry.
func (m *maker) tags(w want) map[string]string {
	tags := maps.Clone(m.graph.spec.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, Tags(m.graph.name, m.owner, w.key))
	if w.config != "" {
		tags[TagConfig] = w.config
	}
	return tags
}

// Tags are Hydra's own tags for a resource. The one of kubernetes.io is read
// by the cloud controllers of Kubernetes.
func Tags(cluster, owner, key string) map[string]string {
	return map[string]string{
		TagCluster: cluster, TagOwner: owner, TagResource: key, "Name": ResourceName(cluster, key),
		"kubernetes.io/cluster/" + cluster: "owned",
	}
}

// blockers are those of the others that must be gone before f: whatever AWS
// makes after its kind.
func (m *maker) blockers(f Found, rest []Found) []string {
	var out []string
	for _, other := range rest {
		if order(other.Kind) > order(f.Kind) {
			out = append(out, other.Key)
		}
	}
	return out
}

// order is the place of a kind in the making of a cluster.
func order(kind string) int {
	return slices.Index([]string{KindRole, KindProfile, KindBucket, KindVPC, KindInternetGateway, KindSubnet, KindRouteTable, KindAddress, KindNATGateway, KindSecurityGroup,
		KindRoute, KindAssociation, KindEndpoint, KindRule, KindVolume, KindLaunchTemplate, KindInstance, KindGroup, KindRecord}, kind)
}

// holds reports whether other resources are inside those of a kind.
func holds(kind string) bool {
	return slices.Contains([]string{KindVPC, KindSubnet, KindRouteTable, KindSecurityGroup, KindInternetGateway}, kind)
}

// outlives reports whether a resource of a kind can move when what it is in
// is replaced.
func outlives(kind string) bool {
	return slices.Contains([]string{KindLaunchTemplate, KindGroup, KindAddress}, kind)
}

func cents(usd float64) float64 { return math.Round(usd*100) / 100 }
