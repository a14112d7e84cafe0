package integration

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
)

// A session that this process has seen a moment ago is loaded with a GET, which
// Redis answers faster than a script. All that LoadTouch promises holds as
// before.
func TestRedis_seen(t *testing.T) {
	server := testserver.Redis(t)
	client := newRedis(t, rueidis.ClientOption{}, server.Addr)
	here := redisstore.New(client, redisstore.Config{})
	there := redisstore.New(newRedis(t, rueidis.ClientOption{}, server.Addr), redisstore.Config{})
	ctx := t.Context()
	now := time.Now().UTC().Truncate(time.Microsecond)
	const every = time.Minute

	load := func(r scarab.Record, at time.Time) scarab.Record {
		t.Helper()
		got, err := here.LoadTouch(ctx, r.Handle, r.Secret, at, every)
		must(t, err)
		return got
	}
	scripts := func(do func()) int {
		before := calls(ctx, t, client, "evalsha")
		do()
		return calls(ctx, t, client, "evalsha") - before
	}
	r := record("data")
	r.Seen = now
	must(t, here.Create(ctx, r))
	load(r, now)

	if n := scripts(func() { load(r, now.Add(every/2)) }); n != 0 {
		t.Errorf("a load of what was seen a moment ago runs %d scripts, want none", n)
	}
	due := now.Add(2 * every)
	if n := scripts(func() {
		if got := load(r, due); !got.Seen.Equal(due) {
			t.Errorf("a load that is to touch leaves Seen at %v, want %v", got.Seen, due)
		}
	}); n != 1 {
		t.Errorf("a load that touches runs %d scripts, want 1", n)
	}

	renewed := next(r, "renewed there")
	renewed.Seen, renewed.Secret = due, [32]byte{1}
	must(t, there.Save(ctx, renewed))
	if got := load(r, due); got.Secret != renewed.Secret || string(got.Data) != string(renewed.Data) {
		t.Errorf("what another process renewed is loaded as %+v", got)
	}
	must(t, there.Delete(ctx, r.Handle))
	if _, err := here.LoadTouch(ctx, r.Handle, r.Secret, due, every); !errors.Is(err, scarab.ErrNoSession) {
		t.Errorf("what another process ended is loaded with %v, want ErrNoSession", err)
	}

	must(t, there.Create(ctx, r)) // seen longer ago than this process knows
	if got := load(r, due); !got.Seen.Equal(due) {
		t.Errorf("a session that is older than it was known to be has Seen %v, want %v: it was to be touched", got.Seen, due)
	}
}

var callsOf = regexp.MustCompile(`cmdstat_(\w+):calls=(\d+)`)

// calls returns how often a server has executed a command.
func calls(ctx context.Context, t *testing.T, client rueidis.Client, command string) int {
	t.Helper()
	info, err := client.Do(ctx, client.B().Info().Section("commandstats").Build()).ToString()
	must(t, err)
	for _, m := range callsOf.FindAllStringSubmatch(info, -1) {
		if m[1] == command {
			n, err := strconv.Atoi(m[2])
			must(t, err)
			return n
		}
	}
	return 0
}
