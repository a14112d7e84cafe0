// Package invariants checks what sessions keep when requests overlap, on any
// store: docs/invariants.md has the list, and each check is named by its number.
//
// The checks are deterministic. Requests are held at a known point, between
// loading and committing or inside a call of the store, and go on in a chosen
// order; nothing waits for luck or for a clock.
package invariants

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/scarabtest"
)

// Run checks everything on sessions in a store. newStore is called for each
// check and returns an empty one, which it closes when the test ends.
func Run(t *testing.T, newStore func(t *testing.T) scarab.Store) {
	for _, inv := range all {
		t.Run(inv.name, func(t *testing.T) {
			inv.check(&env{T: t, says: inv.says, keeper: byStore, newStore: newStore})
		})
	}
}

// RunCookies checks what sessions in cookies keep; with newDenyList, which is
// as newStore of [Run], what they keep with a deny list.
func RunCookies(t *testing.T, codec scarab.Codec, newDenyList func(t *testing.T) scarab.Store) {
	k := byCookie
	if newDenyList != nil {
		k = byDenyList
	}
	for _, inv := range all {
		if inv.keeper <= k {
			t.Run(inv.name, func(t *testing.T) {
				inv.check(&env{T: t, says: inv.says, keeper: k, newStore: newDenyList, codec: codec})
			})
		}
	}
}

// A keeper is the least that keeps an invariant.
type keeper int

const (
	byCookie   keeper = iota // a cookie
	byDenyList               // a cookie with a deny list
	byStore                  // a store
)

type invariant struct {
	name   string
	keeper keeper
	says   string
	check  func(*env)
}

var all = []invariant{
	{"I1_pushes_add_up", byStore,
		"N parallel requests push one flash each and succeed: N messages are there.", pushesAddUp},
	{"I2_a_message_is_shown_to_those_that_overlap", byStore,
		"A message is shown to every request that popped it while it overlapped with the first such request, and to none that opens the session after that one's commit.", shownToThoseThatOverlap},
	{"I3_a_pop_removes_what_it_saw", byStore,
		"A pop never removes a message it did not see, also when an equal one is pushed meanwhile.", popRemovesWhatItSaw},
	{"I4_only_a_pop_that_is_shown_removes", byCookie,
		"Requests that pop nothing never delete a message; nor do HEAD, prefetches, and requests whose commit failed.", onlyShownPopsRemove},
	{"I5_different_keys_survive", byStore,
		"Writes to different keys all survive.", differentKeysSurvive},
	{"I6_updates_count", byStore,
		"successes <= counter <= successes + unknown outcomes.", updatesCount},
	{"I7_updates_are_linearizable", byStore,
		"Key.Update is linearizable per key.", updatesAreLinearizable},
	{"I8_never_seen_again", byDenyList,
		"A request that opens its session after Invalidate, Revoke or RevokePrincipal returned never sees it.", neverSeenAgain},
	{"I9_a_slow_request_cannot_bring_it_back", byDenyList,
		"A slow request cannot bring back an ended session under its handle.", slowRequestCannotBringBack},
	{"I10_nor_under_another_handle", byDenyList,
		"... nor under another: the number of records does not grow, no Set-Cookie.", norUnderAnotherHandle},
	{"I11_a_token_known_before_login", byDenyList,
		"A token known before login never opens the session after it.", tokenKnownBeforeLogin},
	{"I12_a_superseded_token_opens_nothing", byStore,
		"A superseded token opens nothing and extends nothing.", supersededOpensNothing},
	{"I13_superseded_sets_no_cookie", byStore,
		"For 60 s a superseded request sets no cookie and creates no record, unless it logs in.", supersededSetsNoCookie},
	{"I14_parallel_renewals", byStore,
		"m parallel renewals leave one live secret, and a browser that took the answers in any order ends on it.", parallelRenewals},
	{"I15_late_answers", byStore,
		"A late answer never puts a dead token into the browser (except a Renew's answer that arrives after a later Login's).", lateAnswers},
	{"I16_times_never_move_backward", byStore,
		"Seen and Expires never move backward, except by SetTimeouts.", timesNeverMoveBackward},
	{"I17_the_deadline_stays", byCookie,
		"The deadline changes only by Login and SetTimeouts.", deadlineStays},
	{"I18_touch_keeps_limits", byCookie,
		"Touch never passes the deadline, and uses the record's own idle time.", touchKeepsLimits},
	{"I19_the_next_request_reads_it", byCookie,
		"What a redirect's answer saved, the next request reads.", nextRequestReadsIt},
	{"I20_a_crash_leaves_old_or_new", byStore,
		"A crash between any two store calls of renew, login, invalidate leaves the old state or the new, never neither.", crashLeavesOldOrNew},
	{"I21_a_taken_handle", byStore,
		"Create with a taken handle tries another and overwrites nothing.", takenHandle},
	{"I22_sweep_spares_the_living", byStore,
		"Sweep removes no session that is live by a clock up to 5 min behind, nor one touched meanwhile.", sweepSparesTheLiving},
	{"I23_no_success_without_saving", byDenyList,
		"A request with recorded changes that are not in the store never succeeds.", noSuccessWithoutSaving},
	{"I24_the_CSRF_token_changes_with_login", byCookie,
		"The CSRF token changes with login; the old one is refused.", csrfTokenChangesWithLogin},
	{"I25_sessions_are_found_by_principal", byStore,
		"Every live record of a principal is found by the principal, after any history, crashes included.", foundByPrincipal},
	{"I26_revocation_catches_logins_under_way", byStore,
		"RevokePrincipal also ends logins that began before it returned.", revocationCatchesLogins},
	{"I27_an_outage_is_an_error", byDenyList,
		"During an outage a handler sees an error, never an empty session.", outageIsAnError},
	{"I28_no_cookie_from_the_dead", byStore,
		"A superseded or ended request emits no Set-Cookie.", noCookieFromTheDead},
	{"I29_two_logins_at_once", byDenyList,
		"Two tabs, one logs in as A, the other as B: never data of A in a session of B; the loser gets 409.", twoLoginsAtOnce},
	{"I30_clear_and_set", byStore,
		"Clear and a parallel Set: commit order decides, and the result is one of the two orders.", clearAndSet},
	{"I31_a_logout_beats_a_renewal", byDenyList,
		"A logout that overlaps a renewal wins.", logoutBeatsRenewal},
	{"I32_not_adopted_again", byDenyList,
		"An ended session that came from a fallback is not adopted again.", notAdoptedAgain},
	{"I33_a_one_time_value", byStore,
		"Key.Pop gives a one-time value to one request that succeeds.", oneTimeValue},
}

// An Invariant is what [Run] checks, for documents that list it.
type Invariant struct {
	Name      string // of the check; the number is in front of the first _
	Cookies   bool   // a session in a cookie keeps it
	DenyLists bool   // and one in a cookie with a deny list
}

// All visits what is checked, in order.
func All() iter.Seq[Invariant] {
	return func(yield func(Invariant) bool) {
		for _, inv := range all {
			if !yield(Invariant{inv.name, inv.keeper <= byCookie, inv.keeper <= byDenyList}) {
				return
			}
		}
	}
}

// env is what a check runs in.
type env struct {
	*testing.T
	says     string
	keeper   keeper
	newStore func(*testing.T) scarab.Store
	codec    scarab.Codec
}

// run is Run of testing.T, with the environment.
func (e *env) run(name string, f func(*env)) {
	e.Run(name, func(t *testing.T) {
		sub := *e
		sub.T = t
		f(&sub)
	})
}

// breaks reports a violation, with the invariant that it is one of.
func (e *env) breaks(format string, args ...any) {
	e.Helper()
	e.Errorf("%s\nbroken: %s", fmt.Sprintf(format, args...), e.says)
}

// site is one of the kind that is checked.
func (e *env) site(edits ...func(*scarab.Config)) *Site {
	e.Helper()
	var cfg scarab.Config
	for _, edit := range edits {
		edit(&cfg)
	}
	if e.keeper == byStore {
		return NewSite(e, e.newStore(e.T), cfg)
	}
	if e.keeper == byCookie {
		return NewSiteOn(e, scarab.InCookie(e.codec), cfg)
	}
	inner := e.newStore(e.T)
	failing := scarabtest.NewFailingStore(inner)
	s := NewSiteOn(e, scarab.InCookie(e.codec, scarab.DenyList(failing)), cfg)
	s.Store, s.inner = failing, inner
	return s
}

// An op is something a handler does to its session.
type op struct {
	name string
	do   func(*scarab.Session)
}

const (
	counter = scarab.Key[int]("counter")
	once    = scarab.Key[string]("once")
)

// changes are all the kinds of recorded changes, on a session as seeded leaves
// it, but for those that end it.
var changes = []op{
	{"Set", func(s *scarab.Session) { s.Set("new", "value") }},
	{"Delete", func(s *scarab.Session) { s.Delete("seed") }},
	{"Clear", func(s *scarab.Session) { s.Clear() }},
	{"Changed", func(s *scarab.Session) {
		s.Get("list").([]any)[0] = "changed"
		s.Changed()
	}},
	{"Edit", func(s *scarab.Session) { *counter.Edit(s) += 10 }},
	{"Update", func(s *scarab.Session) { counter.Update(s, func(n int) int { return n + 1 }) }},
	{"Key.Pop", func(s *scarab.Session) { once.Pop(s) }},
	{"Flash", func(s *scarab.Session) { s.Flash("another") }},
	{"PopFlash", func(s *scarab.Session) { s.PopFlash() }},
	{"NewCSRFToken", func(s *scarab.Session) { s.NewCSRFToken() }},
	{"Renew", func(s *scarab.Session) { s.Renew() }},
	{"Login", func(s *scarab.Session) { s.Login("ann") }},
	{"SetTimeouts", func(s *scarab.Session) { s.SetTimeouts(scarab.Never, 0) }},
	{"SetPersistent", func(s *scarab.Session) { s.SetPersistent(true) }},
	{"SetLabel", func(s *scarab.Session) { s.SetLabel("Firefox on Linux") }},
}

// seeded returns a browser with a session that has something of everything.
func (e *env) seeded(s *Site) *Browser {
	e.Helper()
	b := s.Browser()
	e.ok(b.Do(func(v *Visit) {
		v.S.Set("seed", "sown")
		v.S.Set("list", []string{"first"})
		counter.Set(v.S, 1)
		once.Set(v.S, "secret")
		v.S.Flash("hello")
	}))
	if b.Token() == "" {
		e.Fatal("a session that was changed set no cookie")
	}
	return b
}

// ok fails the test if a request that the check rests on has failed.
func (e *env) ok(a Answer) Answer {
	e.Helper()
	if !a.OK() {
		e.Fatalf("a request that should succeed: %v", a)
	}
	return a
}

// handle returns the handle of b's session.
func (e *env) handle(b *Browser) string {
	e.Helper()
	h := e.ok(b.Do(func(v *Visit) { v.Say(v.S.Handle()) })).Body
	if h == "" {
		e.Fatal("a session without a handle")
	}
	return h
}

// sees returns what b's cookies open: the principal in front, then keys and
// values. It is empty for an empty session.
func (e *env) sees(b *Browser) string {
	e.Helper()
	return e.ok(b.Do(tell)).Body
}

// tell says what is in the session.
func tell(v *Visit) {
	var parts []string
	if p := v.S.Principal(); p != "" {
		parts = append(parts, p+":")
	}
	for key, value := range v.S.All() {
		parts = append(parts, fmt.Sprintf("%s=%v", key, value))
	}
	v.Say(strings.Join(parts, " "))
}

// holding returns a handler that does f to the session and then holds.
func holding(f func(*scarab.Session)) func(*Visit) {
	return func(v *Visit) {
		f(v.S)
		v.Hold()
	}
}

// doing returns a handler that does f to the session.
func doing(f func(*scarab.Session)) func(*Visit) {
	return func(v *Visit) { f(v.S) }
}

// reads is an op that opens the session and changes nothing.
func reads(s *scarab.Session) { s.Get("seed") }

// A gate is a fault that holds a call of the store until it is opened.
type gate struct {
	reached, opened chan struct{}
	once            sync.Once
}

func newGate(t testing.TB) *gate {
	g := &gate{reached: make(chan struct{}), opened: make(chan struct{})}
	t.Cleanup(g.open)
	return g
}

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }

// before holds a call that has not reached the store yet.
func (g *gate) before(_ context.Context, _ scarabtest.Call, do func() error) error {
	close(g.reached)
	<-g.opened
	return do()
}

// after holds the answer of a call that the store has carried out.
func (g *gate) after(_ context.Context, _ scarabtest.Call, do func() error) error {
	err := do()
	close(g.reached)
	<-g.opened
	return err
}

// permutations of 0 to n-1.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			q := append(append(append([]int{}, p[:i]...), n-1), p[i:]...)
			all = append(all, q)
		}
	}
	return all
}
