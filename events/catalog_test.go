// SPDX-License-Identifier: Apache-2.0

package events_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hydra-platform/hydra/events"
	"github.com/hydra-platform/hydra/events/eventstest"
)

var update = flag.Bool("update", false, "rewrite golden files and schemas")

func TestSamplesCoverTheCatalogueInOrder(t *testing.T) {
	t.Parallel()
	catalog, samples := events.Catalog(), eventstest.Samples()
	require.Len(t, samples, len(catalog))
	for i, p := range catalog {
		require.Equal(t, p.EventType(), samples[i].EventType(), "position %d", i)
	}
}

func TestTypesAreWellFormedAndUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range events.Catalog() {
		require.NoError(t, p.EventType().Validate())
		require.False(t, seen[p.EventType().Name()], "two events are called %s", p.EventType().Name())
		seen[p.EventType().Name()] = true
	}
	for _, bad := range []events.Type{"", "build.finished", "dev.cdevents.build.finished.10.0", "dev.cdeventsx.hydra-dead_letter.queued.0.1.0", "dev.cdeventsx.other-thing.done.0.1.0"} {
		require.Error(t, bad.Validate(), "%q", bad)
	}
}

// Every field of every sample is set, or the golden files would not show it.
func TestSamplesLeaveNoFieldEmpty(t *testing.T) {
	t.Parallel()
	for _, p := range eventstest.Samples() {
		v := reflect.ValueOf(p)
		for i := range v.NumField() {
			require.False(t, v.Field(i).IsZero(), "%T.%s", p, v.Type().Field(i).Name)
		}
	}
}

func TestGoldenEvents(t *testing.T) {
	t.Parallel()
	for _, p := range eventstest.Samples() {
		t.Run(p.EventType().Name(), func(t *testing.T) {
			t.Parallel()
			data, err := events.Encode(eventstest.Meta(p), p)
			require.NoError(t, err)
			golden(t, filepath.Join("testdata", p.EventType().Name()+".json"), data)

			into := reflect.New(reflect.TypeOf(p))
			require.NoError(t, events.Decode(data, into.Interface()))
			require.Equal(t, p, into.Elem().Interface(), "decoding gives back what was encoded")
		})
	}
}

func golden(t *testing.T, file string, data []byte) {
	t.Helper()
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, data, "", "  "))
	pretty.WriteByte('\n')
	if *update {
		require.NoError(t, os.WriteFile(file, pretty.Bytes(), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run `go test ./events -update` and look at the difference")
	require.Equal(t, string(want), pretty.String())
}

func FuzzDecode(f *testing.F) {
	for _, p := range eventstest.Samples() {
		data, err := events.Encode(eventstest.Meta(p), p)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var into events.BuildFinished
		if err := events.Decode(data, &into); err != nil {
			return
		}
		if _, err := events.Encode(eventstest.Meta(into), into); err != nil {
			t.Fatalf("decoded but not encoded: %v", err)
		}
	})
}

func FuzzType(f *testing.F) {
	for _, p := range events.Catalog() {
		f.Add(string(p.EventType()))
	}
	f.Fuzz(func(t *testing.T, s string) {
		typ := events.Type(s)
		if typ.Validate() == nil && (typ.Noun() == "" || typ.Verb() == "") {
			t.Fatalf("valid type %q without noun or verb", s)
		}
	})
}
