package integration

import (
	"net/http"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
	"github.com/scarab-go/scarab/scarabtest"
)

// A revocation and a login are put in order by the clocks of their processes,
// as the documentation says. What was stored before is ended whatever its clock
// said.
func TestClocks_revokePrincipal(t *testing.T) {
	stores := map[string]func(*testing.T) scarab.Store{
		"Redis": func(t *testing.T) scarab.Store {
			return newRedisStore(newRedis(t, rueidis.ClientOption{}, testserver.SharedRedis(t).Addr), redisstore.Config{})
		},
	}
	for _, d := range databases {
		stores[d.name] = func(t *testing.T) scarab.Store {
			store, _ := newSQLStore(t, d.open(t), d.dialect)
			return store
		}
	}
	const d = 30 * time.Second
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			for _, tt := range []struct {
				name     string
				ahead    time.Duration // of the process that logs in
				underWay time.Duration // from the login to the revocation; negative: the revocation came first
				want     int
			}{
				{"same clock, under way", 0, time.Second, http.StatusConflict},
				{"same clock, later", 0, -time.Second, http.StatusOK},
				{"ahead, under way for less", d, d - time.Second, http.StatusOK},
				{"ahead, under way for longer", d, d + time.Second, http.StatusConflict},
				{"behind, soon after", -d, -d + time.Second, http.StatusConflict},
				{"behind, later", -d, -d - time.Second, http.StatusOK},
			} {
				t.Run(tt.name, func(t *testing.T) { testClocks(t, open(t), tt.ahead, tt.underWay, tt.want) })
			}
		})
	}
}

func testClocks(t *testing.T, store scarab.Store, ahead, underWay time.Duration, want int) {
	start := time.Now()
	operators, users := scarabtest.NewClock(start), scarabtest.NewClock(start.Add(ahead))
	advance := func(d time.Duration) { operators.Advance(d); users.Advance(d) }
	operator, err := scarab.New(scarab.Stored(store), scarab.Config{Clock: operators.Now})
	must(t, err)
	user, err := scarab.New(scarab.Stored(store), scarab.Config{Clock: users.Now})
	must(t, err)
	revoke := func(wantN int) {
		t.Helper()
		n, err := operator.RevokePrincipal(t.Context(), "ann")
		if must(t, err); n != wantN {
			t.Errorf("%d sessions are revoked, want %d", n, wantN)
		}
	}
	between := func() {}
	c := scarabtest.NewClient(t, user.Wrap(user.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *scarab.Session) error {
		s.Login("ann")
		between()
		return nil
	})))
	c.Now = users.Now

	wantPage(t, "a login long before", c.PostForm("/", nil), http.StatusOK, "")
	c = c.NewBrowser()
	if underWay < 0 {
		revoke(1)
		advance(-underWay)
	} else {
		between = func() {
			advance(underWay)
			revoke(1)
		}
	}
	wantPage(t, "the login", c.PostForm("/", nil), want, "")
}
