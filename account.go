package scarab

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Invalidate ends the session: all data is gone, its token opens nothing any
// more, whatever other requests do, and the cookie is cleared. The Session can
// be used on, as a new one. Call it to log out.
//
// Source: OWASP ASVS 5.0, 7.4.1.
func (s *Session) Invalidate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	switch s.origin.kind {
	case fromSuperseded:
		s.clear = true // which its commit refuses
		return
	case fromBackend, fromFallback:
		s.base.unpack()
		dead := s.origin
		dead.state = s.base
		s.dead = append(s.dead, dead)
	}
	s.clear = true
	s.reset(blank(new(State), s.q.f, s.q.f.now()), origin{})
	s.isNew = true
	s.fail = nil // it was about data that is gone
}

// maxName is how many bytes of a principal or a label the stores of this module
// take.
const maxName = 1024

// Renew gives the session a new secret and keeps its contents: the token that
// the browser has now opens nothing once the answer is sent. Call it after
// every change of privilege that is no Login, such as a second factor.
//
// Source: OWASP Session Management Cheat Sheet, "Renew the Session ID After Any
// Privilege Level Change".
func (s *Session) Renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.origin.kind == fromBackend || s.origin.kind == fromFallback {
		s.change(change{kind: changeRenew})
	}
}

// Login says that principal, the application's name for a user, has just
// proved who he is. The session gets a new secret, a new CSRF token and its
// lifetime from now; what it holds is kept, unless it is of another principal.
// Call SetTimeouts, SetPersistent and SetLabel after it, not before.
//
// Source: OWASP ASVS 5.0, 7.2.4; NIST SP 800-63B-4, section 5.2.
func (s *Session) Login(principal string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case principal == "":
		s.failWith(errors.New("scarab: Login without a principal; Invalidate logs out"))
		return
	case !utf8.ValidString(principal) || strings.ContainsRune(principal, 0):
		s.failWith(fmt.Errorf("scarab: the principal %q is not UTF-8, or has a NUL, which databases refuse", principal))
		return
	case len(principal) > maxName:
		s.failWith(fmt.Errorf("scarab: a principal of %d bytes, beginning with %.40q, is longer than the %d that databases take: use a name or a number", len(principal), principal, maxName))
		return
	}
	f := s.q.f
	s.settleAll()
	if s.cur.Principal != "" && s.cur.Principal != principal {
		s.views = nil // they are of another principal
	}
	s.q.noStore()
	s.change(change{kind: changeLogin, key: principal, raw: newCSRFToken(), timed: &timed{at: f.now(), lifetime: f.cfg.Lifetime}})
}

// Principal returns who is logged in, "" if nobody is.
func (s *Session) Principal() string { return s.read().Principal }

// AuthTime returns when Login was called, zero if nobody is logged in. A page
// that changes a password may ask for the password again after some minutes.
func (s *Session) AuthTime() time.Time { return s.read().AuthTime }

// SetTimeouts gives this session an idle timeout and a lifetime of its own,
// counted from now; 0 keeps what it has, Never is none. A negative one fails
// the commit. Login starts the lifetime of Config again.
func (s *Session) SetTimeouts(idle, lifetime time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if idle < 0 || lifetime < 0 {
		s.failWith(fmt.Errorf("scarab: SetTimeouts(%v, %v): a timeout is not negative; use 0 to keep it, Never for none", idle, lifetime))
		return
	}
	if idle != 0 || lifetime != 0 {
		s.change(change{kind: changeTimeouts, timed: &timed{s.q.f.now(), idle, lifetime}})
	}
}

// SetPersistent decides whether the cookie outlives the browser ("remember
// me"), until the session's deadline and at most 400 days. A session that was
// loaded gets a new secret with it, as by Renew: the old token, sent once more
// with another Max-Age, could arrive after that of a later renewal.
func (s *Session) SetPersistent(persistent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := persistNo
	if persistent {
		p = persistYes
	}
	if s.cur.persistent != p {
		s.change(change{kind: changePersistent, persistent: p})
	}
}

// SetLabel sets the application's words for the device, such as "Firefox on
// Linux", which lists of sessions show. What databases refuse is left out, for
// labels are often made of what a browser says: a NUL, what is not UTF-8, and
// what comes after 1024 bytes.
func (s *Session) SetLabel(label string) {
	label = strings.ReplaceAll(strings.ToValidUTF8(label, ""), "\x00", "")
	if len(label) > maxName {
		label = strings.ToValidUTF8(label[:maxName], "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur.Label != label {
		s.change(change{kind: changeLabel, key: label})
	}
}

// Expires returns when the session expires if it is not used again; zero if
// never.
func (s *Session) Expires() time.Time {
	st := s.read()
	if !st.Expires.IsZero() {
		return st.Expires
	}
	return expiry(st.Seen, s.q.f.idle(&st), st.Deadline)
}

// Deadline returns when the session expires however much it is used; zero if
// never.
func (s *Session) Deadline() time.Time { return s.read().Deadline }

// Handle returns the session's name in lists and audit logs: 32 hexadecimal
// digits, the same over Renew and Login. It is "" before a new session is
// saved, and for cookies without a deny list.
func (s *Session) Handle() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cur.handle()
}
