// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func FuzzParseScale(f *testing.F) {
	for _, s := range []string{"web=3", "web", "=3", "web=", "web=-1", "a=1=2"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, arg string, auto bool) {
		wishes, err := parseScale([]string{arg}, auto)
		if err == nil && (len(wishes) != 1 || wishes[0].app == "" || (wishes[0].replicas == nil) != auto) {
			t.Fatalf("%q: %+v", arg, wishes)
		}
	})
}

func FuzzSpecName(f *testing.F) {
	f.Add("metadata: {name: web}")
	f.Add("metadata:\n  name: [")
	f.Add("")
	f.Fuzz(func(t *testing.T, spec string) {
		if name, err := specName(spec); err == nil && name == "" {
			t.Fatal("an app without a name")
		}
	})
}
