package integration

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
)

func sentinelClient(t *testing.T, set *testserver.Sentinels) rueidis.Client {
	return newRedis(t, rueidis.ClientOption{Sentinel: rueidis.SentinelOption{MasterSet: set.Name}},
		set.Sentinels[0].Addr, set.Sentinels[1].Addr, set.Sentinels[2].Addr)
}

// The primary is killed in the middle of a load. What its replicas had not got
// yet is lost: little, for they are close behind.
func TestFault_sentinelFailover(t *testing.T) {
	set := testserver.RedisSentinels(t)
	l := startLoad(t, redisstore.New(sentinelClient(t, set), redisstore.Config{}))
	l.more(50)
	l.outage.Store(true)
	set.Redis[0].Kill()
	killed := time.Now()
	l.more(2) // the first may have been under way
	t.Logf("a replica had taken over after %v", time.Since(killed).Round(time.Millisecond))
	l.more(50)
	if acked, lost := l.lost(); lost > acked/10 {
		t.Errorf("%d of %d are lost, though the replicas were close behind", lost, acked)
	}
}

func TestFault_clusterNodeLost(t *testing.T) {
	cluster := testserver.RedisCluster(t)
	l := startLoad(t, redisstore.New(newRedis(t, rueidis.ClientOption{}, cluster.Addrs()...), redisstore.Config{}))
	l.more(50)
	most, node := -1, cluster.Primaries[0]
	for _, p := range cluster.Primaries {
		size, err := p.Do("DBSIZE")
		must(t, err)
		if n, err := strconv.Atoi(size); err != nil || n > most {
			most, node = n, p
		}
	}
	l.outage.Store(true)
	node.Kill()
	killed := time.Now()
	l.more(50)
	t.Logf("the node had %d of 8 sessions; everybody was served again after %v", most, time.Since(killed).Round(time.Millisecond))
	if acked, lost := l.lost(); lost > acked/10 {
		t.Errorf("%d of %d are lost, though the replicas were close behind", lost, acked)
	}
}

// The primary is cut off from its replicas, and from the sentinels, and goes on
// serving. Sessions that are ended there are back when a replica has become the
// primary. With WaitReplicas nobody was told that they had ended.
func TestFault_failoverBringsBack(t *testing.T) {
	const n = 20
	for _, wait := range []int{0, 1} {
		set := testserver.RedisSentinels(t)
		cfg := redisstore.Config{WaitReplicas: wait, WaitTimeout: 100 * time.Millisecond}
		here := redisstore.New(newRedis(t, rueidis.ClientOption{}, set.Redis[0].Addr), cfg)
		ctx := t.Context()
		var rs []scarab.Record
		for range n {
			r := record("data")
			must(t, here.Create(ctx, r))
			rs = append(rs, r)
		}
		for _, replica := range set.Redis[1:] {
			replicated(t, set.Redis[0], replica)
		}
		set.Link.Stall()
		acked := 0
		for _, r := range rs {
			switch err := here.Delete(ctx, r.Handle); {
			case err == nil:
				acked++
			case !errors.Is(err, redisstore.ErrReplicas):
				t.Error(err)
			}
		}
		deadline := time.Now().Add(time.Minute)
		for {
			primary, err := set.Primary()
			must(t, err)
			if primary != set.Link.Addr {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("no replica has become the primary after a minute")
			}
			time.Sleep(10 * time.Millisecond)
		}
		there := redisstore.New(sentinelClient(t, set), cfg)
		back := 0
		for _, r := range rs {
			_, err := there.Load(ctx, r.Handle, time.Now())
			if err == nil {
				back++
			} else if !errors.Is(err, scarab.ErrNoSession) {
				t.Error(err)
			}
		}
		t.Logf("WaitReplicas %d: %d of %d deletes acknowledged, %d sessions are back", wait, acked, n, back)
		if back != n {
			t.Errorf("%d sessions are back, want %d", back, n)
		}
		if want := n * (1 - wait); acked != want {
			t.Errorf("%d deletes were acknowledged, want %d", acked, want)
		}
	}
}

// replicated waits until replica has all that primary has.
func replicated(t *testing.T, primary, replica *testserver.Server) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		want, err := primary.Do("DBSIZE")
		must(t, err)
		got, err := replica.Do("DBSIZE")
		must(t, err)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the replica has %s keys, the primary %s", got, want)
		}
		time.Sleep(time.Millisecond)
	}
}
