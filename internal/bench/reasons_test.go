package main

import (
	"strings"
	"testing"
)

func TestReasons(t *testing.T) {
	fact := func(library string, ns float64) *Fact {
		return &Fact{Part: "process", Library: library, Work: "read S", Passes: []float64{ns}, More: map[string]float64{"allocs": 4}}
	}
	for _, test := range []struct {
		name string
		ns   float64
		want string
	}{
		{"a target that is met needs no reason", 400, ""},
		{"one that is not met has one, with what is possible by hand", 1000, "By hand it is 1/25.0 of scs."},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := Results{Facts: []*Fact{fact("scs/memstore", 10_000), fact("limit/memory", 400), fact("scarab/memstore", test.ns)}}
			if got := r.reasons(); test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
