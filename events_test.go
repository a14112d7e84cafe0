package scarab_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
)

// The events of a session's life, in order, with the names that say whose.
func TestEvents(t *testing.T) {
	site := newSite(t, scarab.Config{})
	b := site.browser()
	steps := []struct {
		name string
		do   func(*scarab.Session)
		want []string
	}{
		{"looking", func(s *scarab.Session) { s.Get("a") }, nil},
		{"starting", func(s *scarab.Session) { s.Set("a", 1) }, []string{"session_created"}},
		{"changing", func(s *scarab.Session) { s.Set("a", 2) }, nil},
		{"renewing", (*scarab.Session).Renew, []string{"session_renewed"}},
		{"logging in", func(s *scarab.Session) { s.Login("ann") }, []string{"session_login"}},
		{"logging out", (*scarab.Session).Invalidate, []string{"session_invalidated"}},
		{"logging in at once", func(s *scarab.Session) { s.Login("ann") }, []string{"session_created", "session_login"}},
		{"revoking", func(s *scarab.Session) { _ = site.factory.Revoke(context.Background(), s.Handle()) }, []string{"session_revoked"}},
	}
	for _, step := range steps {
		var handle, principal string
		a := b.visit(func(s *scarab.Session) { step.do(s); handle, principal = s.Handle(), s.Principal() })
		if got := kinds(a.events); !slices.Equal(got, step.want) {
			t.Errorf("%s: events %q, want %q", step.name, got, step.want)
		}
		for _, e := range a.events {
			if len(e.Handle) != 32 || handle != "" && e.Handle != handle || e.Kind == scarab.EventLogin && e.Principal != principal {
				t.Errorf("%s: %+v", step.name, e)
			}
		}
	}
}

func TestLogEvents(t *testing.T) {
	tests := []struct {
		event scarab.Event
		want  string
	}{
		{scarab.Event{Kind: scarab.EventCreated, Handle: "00ff"}, "level=INFO msg=session_created handle=00ff"},
		{scarab.Event{Kind: scarab.EventLogin, Handle: "00ff", Principal: "ann"}, "level=INFO msg=session_login handle=00ff principal=ann"},
		{scarab.Event{Kind: scarab.EventExpired, Reason: "idle"}, "level=INFO msg=session_expired reason=idle"},
		{scarab.Event{Kind: scarab.EventRejected, Reason: "forged"}, "level=WARN msg=session_rejected reason=forged"},
		{scarab.Event{Kind: scarab.EventEnded, Reason: "save"}, "level=WARN msg=session_ended reason=save"},
		{scarab.Event{Kind: scarab.EventDropped, Err: errors.New("3 messages")}, `level=WARN msg=session_dropped error="3 messages"`},
		{scarab.Event{Kind: scarab.EventFailed, Reason: "load", Err: errors.New("out of reach")}, `level=ERROR msg=session_failed reason=load error="out of reach"`},
		{scarab.Event{Kind: scarab.EventHeaderSent, Reason: "create"}, "level=ERROR msg=session_header_sent reason=create"},
	}
	var log bytes.Buffer
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	print := scarab.LogEvents(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: withoutTime})))
	for _, tt := range tests {
		log.Reset()
		print(t.Context(), tt.event)
		if got := strings.TrimSpace(log.String()); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
	log.Reset()
	scarab.LogEvents(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))(t.Context(), tests[0].event)
	if log.Len() > 0 {
		t.Errorf("below the level: %s", &log)
	}
}
