package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/leaks"
	"github.com/scarab-go/scarab/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(leaks.Check(testserver.Run(m))) }

func newStore(t *testing.T, addrs ...string) *Store {
	t.Helper()
	if addrs == nil {
		addrs = []string{testserver.SharedRedis(t).Addr}
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: addrs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return New(client, Config{Prefix: "test:" + rand.Text() + ":"})
}

// newRecord returns a record that is live for an hour.
func newRecord(principal string) scarab.Record {
	now := time.Now().Truncate(time.Microsecond)
	r := scarab.Record{Version: 1, Created: now, Seen: now, Expires: now.Add(time.Hour), Deadline: now.Add(24 * time.Hour), Idle: time.Hour}
	rand.Read(r.Handle[:])
	if principal != "" {
		r.Principal, r.AuthTime = principal, now
	}
	return r
}

func (s *Store) handles(t *testing.T, principal string) (hs []scarab.Handle) {
	t.Helper()
	for r, err := range s.Principal(t.Context(), principal) {
		if err != nil {
			t.Fatal(err)
		}
		hs = append(hs, r.Handle)
	}
	return hs
}

// index returns the score of every member.
func (s *Store) index(t *testing.T, principal string) map[string]float64 {
	t.Helper()
	pairs, err := s.client.Do(t.Context(), s.client.B().Zrange().Key(s.principalKey(principal)).Min("0").Max("-1").Withscores().Build()).AsZScores()
	if err != nil {
		t.Fatal(err)
	}
	scores := make(map[string]float64)
	for _, p := range pairs {
		scores[p.Member] = p.Score
	}
	return scores
}

// A revocation between the two steps of a login stops the login.
func TestRevokePrincipal_betweenSteps(t *testing.T) {
	for name, addrs := range map[string][]string{"one server": nil, "cluster": testserver.RedisCluster(t).Addrs()} {
		t.Run(name, func(t *testing.T) {
			s, ctx := newStore(t, addrs...), t.Context()
			for range 20 { // handles in many slots
				login := newRecord("ann")
				value, err := encode(&login)
				if err != nil {
					t.Fatal(err)
				}
				err = s.listed(ctx, &login, true, func(ctx context.Context) error {
					if n, err := s.RevokePrincipal(ctx, "ann", login.AuthTime); n != 0 || err != nil {
						t.Fatalf("RevokePrincipal: %d, %v", n, err)
					}
					return s.create(ctx, &login, value)
				})
				if !errors.Is(err, scarab.ErrNoSession) {
					t.Fatalf("Create: %v, want %v", err, scarab.ErrNoSession)
				}

				visitor := newRecord("")
				if err := s.Create(ctx, visitor); err != nil {
					t.Fatal(err)
				}
				login = visitor
				login.Version, login.Principal, login.AuthTime = 2, "ann", time.Now()
				err = s.listed(ctx, &login, true, func(ctx context.Context) error {
					if n, err := s.RevokePrincipal(ctx, "ann", login.AuthTime); n != 0 || err != nil {
						t.Fatalf("RevokePrincipal: %d, %v", n, err)
					}
					if value, err = encode(&login); err != nil {
						t.Fatal(err)
					}
					_, err := s.save(ctx, &login, value, true)
					return err
				})
				if !errors.Is(err, scarab.ErrNoSession) {
					t.Fatalf("Save: %v, want %v", err, scarab.ErrNoSession)
				}
				// The revocation of one principal ends no session of another.
				login.Principal = "bob"
				if err := s.Save(ctx, login); err != nil {
					t.Fatalf("Save with another principal: %v", err)
				}
				// A later login is another matter.
				later := newRecord("ann")
				later.AuthTime = time.Now().Add(time.Second)
				if err := s.Create(ctx, later); err != nil {
					t.Fatalf("Create of a later login: %v", err)
				}
				if got := s.handles(t, "ann"); !slices.Equal(got, []scarab.Handle{later.Handle}) {
					t.Fatalf("sessions of ann are %v, want %v", got, later.Handle)
				}
				if _, err := s.RevokePrincipal(ctx, "ann", later.Seen); err != nil {
					t.Fatal(err)
				}
			}
			if got := len(s.handles(t, "bob")); got != 20 {
				t.Errorf("bob has %d sessions, want 20", got)
			}
		})
	}
}

// A revocation between the two steps of another deadline ends the session, and
// if it keeps the session, lets the second step through.
func TestRevokePrincipal_betweenStepsOfADeadline(t *testing.T) {
	for name, want := range map[string]error{"ended": scarab.ErrNoSession, "kept": nil} {
		t.Run(name, func(t *testing.T) {
			s, ctx, r := newStore(t), t.Context(), newRecord("ann")
			if err := s.Create(ctx, r); err != nil {
				t.Fatal(err)
			}
			var keep []scarab.Handle
			if want == nil {
				keep = append(keep, r.Handle)
			}
			r.Version, r.Deadline = 2, r.Deadline.Add(time.Hour)
			value, err := encode(&r)
			if err != nil {
				t.Fatal(err)
			}
			n, err := s.save(ctx, &r, value, false)
			if n != relist || err != nil {
				t.Fatalf("the first save: %d, %v, want %d", n, err, relist)
			}
			err = s.listed(ctx, &r, false, func(ctx context.Context) error {
				if _, err := s.RevokePrincipal(ctx, "ann", time.Now(), keep...); err != nil {
					t.Fatal(err)
				}
				_, err := s.save(ctx, &r, value, true)
				return err
			})
			if !errors.Is(err, want) {
				t.Errorf("the second save: %v, want %v", err, want)
			}
			if got := s.handles(t, "ann"); !slices.Equal(got, keep) {
				t.Errorf("sessions are %v, want %v", got, keep)
			}
		})
	}
}

// A login that dies between its steps leaves an entry that names no session.
// It is taken out when no login can be under way any more.
func TestPrincipal_repairs(t *testing.T) {
	s, ctx := newStore(t), t.Context()
	live, lost := newRecord("ann"), newRecord("ann")
	if err := s.Create(ctx, live); err != nil {
		t.Fatal(err)
	}
	died := errors.New("died")
	if err := s.listed(ctx, &lost, true, func(context.Context) error { return died }); err != died {
		t.Fatal(err)
	}
	list := func(want int) {
		t.Helper()
		if got := s.handles(t, "ann"); !slices.Equal(got, []scarab.Handle{live.Handle}) {
			t.Errorf("sessions are %v, want %v", got, live.Handle)
		}
		if got := len(s.index(t, "ann")); got != want {
			t.Errorf("the index has %d entries, want %d", got, want)
		}
	}
	list(2)
	list(2)
	for h := range s.index(t, "ann") {
		old := float64(time.Now().Add(-underWay - time.Minute).UnixMilli())
		if err := s.client.Do(ctx, s.client.B().Zadd().Key(s.principalKey("ann")).ScoreMember().ScoreMember(old, h).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	list(1)
	list(1)
}

// Sessions that expire leave their entries behind. Logins take them out.
func TestListed_tidies(t *testing.T) {
	s, ctx := newStore(t), t.Context()
	for i := range 200 {
		r := newRecord("ann")
		if err := s.Create(ctx, r); err != nil {
			t.Fatal(err)
		}
		if i%50 == 0 {
			continue
		}
		old := float64(time.Now().Add(-underWay - time.Minute).UnixMilli())
		for _, cmd := range (rueidis.Commands{
			s.client.B().Del().Key(s.sessionKey(r.Handle)).Build(), // as if it had expired
			s.client.B().Zadd().Key(s.principalKey("ann")).ScoreMember().ScoreMember(old, string(r.Handle[:])).Build(),
		}) {
			if err := s.client.Do(ctx, cmd).Error(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(s.index(t, "ann")); n > 20 {
		t.Errorf("the index has %d entries", n)
	}
	if n := len(s.handles(t, "ann")); n != 4 {
		t.Errorf("%d sessions are found, want 4", n)
	}
}

// An index lives as long as the sessions it names, and a revocation for 400
// days.
func TestIndex_lives(t *testing.T) {
	s, ctx := newStore(t), t.Context()
	ttl := func(principal string) time.Duration {
		t.Helper()
		ms, err := s.client.Do(ctx, s.client.B().Pttl().Key(s.principalKey(principal)).Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(ms) * time.Millisecond
	}
	create := func(principal string, lifetime time.Duration) {
		t.Helper()
		r := newRecord(principal)
		if r.Deadline = r.Created.Add(lifetime); lifetime == 0 {
			r.Deadline = time.Time{}
		}
		if err := s.Create(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	about := func(what string, got, want time.Duration) {
		t.Helper()
		if d := got - want; d > time.Minute || d < -time.Minute {
			t.Errorf("%s: it lives for %v, want %v", what, got, want)
		}
	}
	const forever = -time.Millisecond
	create("ann", 24*time.Hour)
	about("a session of a day", ttl("ann"), 25*time.Hour)
	create("ann", 2*time.Hour)
	about("another of two hours", ttl("ann"), 25*time.Hour)
	create("ann", 48*time.Hour)
	about("another of two days", ttl("ann"), 49*time.Hour)
	if _, err := s.RevokePrincipal(ctx, "ann", time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	about("a revocation", ttl("ann"), revokedFor)
	create("ann", 48*time.Hour)
	about("a session after it", ttl("ann"), revokedFor)
	create("ann", 0)
	if got := ttl("ann"); got != forever {
		t.Errorf("a session without a deadline: it lives for %v", got)
	}
	create("ann", 48*time.Hour)
	if got := ttl("ann"); got != forever {
		t.Errorf("and one with a deadline: it lives for %v", got)
	}
	if _, err := s.RevokePrincipal(ctx, "bob", time.Now()); err != nil {
		t.Fatal(err)
	}
	about("a revocation of nobody", ttl("bob"), revokedFor)
}

// More sessions than are looked at in one round trip.
func TestRevokePrincipal_many(t *testing.T) {
	s, ctx := newStore(t), t.Context()
	const n = 2*batch + 1
	var keep scarab.Handle
	errs := make(chan error, 8)
	for worker := range 8 {
		go func() {
			var err error
			for i := worker; i < n && err == nil; i += 8 {
				err = s.Create(ctx, newRecord("service"))
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	hs := s.handles(t, "service")
	if len(hs) != n {
		t.Fatalf("%d sessions, want %d", len(hs), n)
	}
	keep = hs[n/2]
	revoked, err := s.RevokePrincipal(ctx, "service", time.Now(), keep)
	if err != nil || revoked != n-1 {
		t.Errorf("RevokePrincipal: %d, %v, want %d", revoked, err, n-1)
	}
	if got := fmt.Sprint(s.handles(t, "service")); got != fmt.Sprint([]scarab.Handle{keep}) {
		t.Errorf("what is left: %s, want %v", got, keep)
	}
}

// A record that is damaged opens nothing, hides no other, and can be deleted.
func TestDamaged(t *testing.T) {
	s, ctx := newStore(t), t.Context()
	live, bad := newRecord("ann"), newRecord("ann")
	for _, value := range []string{"", "1", "1 is not a record", strings.Repeat("1", 200)} {
		for _, r := range []scarab.Record{live, bad} {
			if err := s.Delete(ctx, r.Handle); err != nil {
				t.Fatal(err)
			}
			if err := s.Create(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.client.Do(ctx, s.client.B().Set().Key(s.sessionKey(bad.Handle)).Value(value).Build()).Error(); err != nil {
			t.Fatal(err)
		}
		_, load := s.Load(ctx, bad.Handle, time.Now())
		_, loadTouch := s.LoadTouch(ctx, bad.Handle, bad.Secret, time.Now(), 0)
		var list, scan error
		var listed, scanned []scarab.Handle
		for r, err := range s.Principal(ctx, "ann") {
			if err != nil {
				list = err
				continue
			}
			listed = append(listed, r.Handle)
		}
		for r, err := range s.Scan(ctx) {
			if err != nil {
				scan = err
				if r.Handle != bad.Handle {
					t.Errorf("%q: Scan has an error about %v, want %v", value, r.Handle, bad.Handle)
				}
				continue
			}
			scanned = append(scanned, r.Handle)
		}
		for method, err := range map[string]error{"Load": load, "LoadTouch": loadTouch, "Principal": list, "Scan": scan} {
			if !errors.Is(err, scarab.ErrNoSession) || !errors.Is(err, scarab.ErrUndecodable) {
				t.Errorf("%q: %s: %v, want no session, and undecodable", value, method, err)
			}
		}
		for method, hs := range map[string][]scarab.Handle{"Principal": listed, "Scan": scanned} {
			if !slices.Equal(hs, []scarab.Handle{live.Handle}) {
				t.Errorf("%q: %s yields %v, want %v", value, method, hs, live.Handle)
			}
		}
		if err := s.Touch(ctx, bad.Handle, time.Now()); len(value) < atTexts && !errors.Is(err, scarab.ErrNoSession) {
			t.Errorf("%q: Touch: %v", value, err)
		}
		if err := s.Create(ctx, bad); !errors.Is(err, scarab.ErrExists) {
			t.Errorf("%q: Create: %v, want that it stays for the operator", value, err)
		}
	}
}
