// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"testing"

	"github.com/stretchr/testify/require"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
)

func ptr[T any](v T) *T { return &v }

func TestAddressesLeavesOutWhatCannotAnswer(t *testing.T) {
	t.Parallel()
	service := &core.Service{Spec: core.ServiceSpec{Ports: []core.ServicePort{{Name: "http", Port: 80}, {Name: "admin", Port: 81}}}}
	slice := &discovery.EndpointSlice{
		AddressType: discovery.AddressTypeIPv4,
		Ports:       []discovery.EndpointPort{{Name: ptr("http"), Port: ptr(int32(8080))}},
		Endpoints: []discovery.Endpoint{
			{Addresses: []string{"10.0.0.2"}, Conditions: discovery.EndpointConditions{Ready: ptr(true)}},
			{Addresses: []string{"10.0.0.1"}}, // ready unknown counts as ready
			{Addresses: []string{"10.0.0.3"}, Conditions: discovery.EndpointConditions{Ready: ptr(false)}},
			{Addresses: []string{"10.0.0.4"}, Conditions: discovery.EndpointConditions{Ready: ptr(true), Terminating: ptr(true)}},
		},
	}
	twice := slice.DeepCopy() // an endpoint may be in two slices for a moment
	v6 := &discovery.EndpointSlice{
		AddressType: discovery.AddressTypeIPv6, Ports: slice.Ports,
		Endpoints: []discovery.Endpoint{{Addresses: []string{"fd00::1"}}},
	}
	require.Equal(t, map[int32][]string{80: {"10.0.0.1:8080", "10.0.0.2:8080", "[fd00::1]:8080"}, 81: nil},
		Addresses(service, []*discovery.EndpointSlice{slice, twice, v6}))
}

func TestTableTellsOfChangesOnly(t *testing.T) {
	t.Parallel()
	table := NewTable()
	backends := []Backend{{Service: "a/web:80"}}
	table.Set("a/web", map[int32][]string{80: {"x:1"}})
	got, changed := table.get(backends)
	require.Equal(t, [][]string{{"x:1"}}, got)

	table.Set("a/web", map[int32][]string{80: {"x:1"}, 81: nil})
	select {
	case <-changed:
		t.Fatal("told of no change")
	default:
	}
	table.Set("a/web2", map[int32][]string{80: {"y:1"}}) // its name begins with the other's
	<-changed
	table.Set("a/web", nil)
	got, _ = table.get([]Backend{{Service: "a/web:80"}, {Service: "a/web2:80"}})
	require.Equal(t, [][]string{nil, {"y:1"}}, got)
}

func TestChooseFollowsWeightsAndSkipsTheEmpty(t *testing.T) {
	t.Parallel()
	backends := []Backend{{"a", 3}, {"b", 1}, {"c", 100}}
	count := map[string]int{}
	for range 8000 {
		count[choose(backends, [][]string{{"a"}, {"b"}, nil})[0]]++
	}
	require.Zero(t, count["c"])
	require.InDelta(t, 6000, count["a"], 400)
	require.Nil(t, choose(backends, [][]string{nil, nil, nil}))
}
