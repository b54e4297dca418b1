// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// Tags that Hydra puts on what it makes.
const (
	TagCluster  = "hydra.dev/cluster"
	TagOwner    = "hydra.dev/owner"    // id of the installation
	TagResource = "hydra.dev/resource" // key in the plan
	TagConfig   = "hydra.dev/config"   // hash of what the machine is made from
)

// Observed is what was found in AWS for one cluster.
type Observed struct {
	Account   string   `json:"account"`
	Owner     string   `json:"owner"` // id of this installation
	Resources []Found  `json:"resources"`
	Foreign   []string `json:"foreign,omitempty"` // names that somebody else holds, as kind:name
}

// Found is one resource in AWS.
type Found struct {
	Key        string            `json:"key"`
	Kind       string            `json:"kind"`
	ID         string            `json:"id"`
	Attributes map[string]string `json:"attributes,omitempty"` // comparable with what the plan wants
	Tags       map[string]string `json:"tags,omitempty"`       // nil where the kind has none
}

// normal returns the observation in one order, whatever order AWS told it in.
func (o Observed) normal() Observed {
	o.Resources, o.Foreign = slices.Clone(o.Resources), slices.Clone(o.Foreign)
	slices.SortFunc(o.Resources, func(a, b Found) int { return strings.Compare(a.Key+"\x00"+a.ID, b.Key+"\x00"+b.ID) })
	slices.Sort(o.Foreign)
	return o
}

// hash is the hex SHA-256 of v as JSON, whose maps are written in order.
func hash(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // only channels, functions and cycles cannot be marshalled
		return "unhashable: " + err.Error()
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
