package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab/internal/testserver"
)

// The servers that are measured are two halves of one site: they answer the
// same cookie with the same page, and a visitor who goes from one to the other
// and back is counted on.
func TestPyramid(t *testing.T) {
	var lacking missing
	if err := pyramidMissing(t.Context()); errors.As(err, &lacking) {
		testserver.Missing(t, "Pyramid or waitress", "python3-pyramid and python3-waitress")
	}
	sites, cookie, err := pyramidSites(t.Context(), t.Cleanup)
	if err != nil {
		t.Fatal(err)
	}
	if len(sites) != 2 || !strings.HasPrefix(sites[1].name, "Pyramid ") {
		t.Fatalf("the sites are %q and %q", sites[0].name, sites[1].name)
	}
	if err := sameAnswers(t.Context(), sites, cookie); err != nil {
		t.Error(err)
	}
	// The session S counts from 1, and it comes along.
	for i, want := range []string{"2 times", "3 times", "4 times", "5 times"} {
		s := sites[i%2]
		a, err := counterPage(t.Context(), s, cookie)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(a.page, want) || a.cookie == cookie || a.cookie == "" {
			t.Fatalf("request %d: %s answers %+v, want %q", i, s.name, a, want)
		}
		codec, err := counterCodec()
		if err != nil {
			t.Fatal(err)
		}
		payload, err := codec.Decode(pyramidCookie, strings.TrimPrefix(a.cookie, pyramidCookie+"="))
		if err != nil || !strings.Contains(string(payload), `"admin"`) {
			t.Errorf("%s writes %s, %v", s.name, payload, err)
		}
		cookie = a.cookie
	}
	// A forged cookie is a visitor that neither knows.
	if err := sameAnswers(t.Context(), sites, cookie[:len(cookie)-2]+"AA"); err != nil {
		t.Error(err)
	}
	old, err := counterCookie(time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sites {
		if a, err := counterPage(t.Context(), s, old); err != nil || !strings.Contains(a.page, "1 times") {
			t.Errorf("%s answers a cookie of an hour ago with %+v, %v", s.name, a, err)
		}
	}
}
