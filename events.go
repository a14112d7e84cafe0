package scarab

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// An Event is something an operator may want to count, log or be woken for.
// It never carries a token, a secret or a value of the session.
type Event struct {
	Kind      EventKind
	Reason    string // a short fixed text, such as "idle" or "unknown"; may be empty
	Handle    string // of the session, if it has one and it is known
	Principal string // of the session, if somebody is logged in and it is known
	Err       error  // what failed, or how much there was; nil if there is no more to say
}

// An EventKind says what happened. The names are those of the OWASP Logging
// Vocabulary Cheat Sheet where it has one.
type EventKind string

// The kinds of events.
const (
	EventCreated     EventKind = "session_created"
	EventRenewed     EventKind = "session_renewed"
	EventLogin       EventKind = "session_login"
	EventInvalidated EventKind = "session_invalidated"
	EventRevoked     EventKind = "session_revoked"
	EventExpired     EventKind = "session_expired"      // a cookie whose session is too old; Reason is "idle", "absolute", or "expired" of a backend that does not say which
	EventRejected    EventKind = "session_rejected"     // a cookie that is forged, unknown, malformed, oversized or ambiguous
	EventSuperseded  EventKind = "session_superseded"   // a token that was renewed away a moment ago
	EventAdopted     EventKind = "session_adopted"      // taken over from a fallback
	EventEnded       EventKind = "session_ended"        // a request lost its changes because the session had ended
	EventFailed      EventKind = "session_failed"       // a load or a commit failed; Reason names the step
	EventDropped     EventKind = "session_dropped"      // the oldest messages of a full queue are gone
	EventHeaderSent  EventKind = "session_header_sent"  // a change came too late to be saved
	EventCSRF        EventKind = "csrf_marker_outdated" // a form was rendered before the session was started
)

// LogEvents returns an OnEvent function that prints to logger: failures as
// errors, what a browser did wrong as warnings, the rest as information.
func LogEvents(logger *slog.Logger) func(context.Context, Event) {
	return func(ctx context.Context, e Event) {
		level := slog.LevelInfo
		switch e.Kind {
		case EventFailed, EventHeaderSent:
			level = slog.LevelError
		case EventRejected, EventEnded, EventDropped, EventCSRF, "csrf_blocked", "csrf_reported": // the last two are package csrf's
			level = slog.LevelWarn
		}
		if logger.Enabled(ctx, level) {
			logger.LogAttrs(ctx, level, string(e.Kind), e.attrs()...)
		}
	}
}

func (e Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 4)
	for _, a := range [...]slog.Attr{slog.String("reason", e.Reason), slog.String("handle", e.Handle), slog.String("principal", e.Principal)} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return attrs
}

// eventLimit bounds the events of one kind and reason that a stranger can
// cause: so many a minute, then a count in the first of the next minute.
type eventLimit struct {
	mu     sync.Mutex
	counts map[eventKey]*eventCount
}

type eventKey struct {
	kind   EventKind
	reason string
}

type eventCount struct {
	minute int64
	passed int
	held   int
}

const (
	eventsPerMinute = 60
	eventKeys       = 100 // reasons of foreign backends are counted as one beyond that
)

// pass reports whether e may be reported, and notes in e.Err how many were not
// since the last.
func (l *eventLimit) pass(e *Event, now time.Time) bool {
	switch e.Kind {
	case EventRejected, EventExpired, EventSuperseded:
	default:
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := eventKey{e.Kind, e.Reason}
	if l.counts == nil {
		l.counts = make(map[eventKey]*eventCount)
	}
	c := l.counts[key]
	if c == nil {
		if len(l.counts) >= eventKeys {
			key.reason = ""
		}
		if c = l.counts[key]; c == nil {
			c = new(eventCount)
			l.counts[key] = c
		}
	}
	if minute := now.Unix() / 60; minute != c.minute {
		if c.held > 0 {
			e.Err = fmt.Errorf("%d more were not reported", c.held)
		}
		*c = eventCount{minute: minute}
	}
	if c.passed == eventsPerMinute {
		c.held++
		return false
	}
	c.passed++
	return true
}
