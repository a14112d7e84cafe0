// Package redisstore keeps sessions in Redis or Valkey: one server, Sentinel,
// or a cluster. It needs Redis 6.2 or any Valkey.
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"127.0.0.1:6379"}})
//	// ...
//	store := redisstore.New(client, redisstore.Config{})
//	sessions, err := scarab.New(scarab.Stored(store), scarab.Config{})
//
// The client is the caller's, with its addresses, TLS, user and password; the
// options of rueidis.ClientOption for all that are not repeated here. It must
// not send reads to replicas: these lag behind, and show sessions that were
// ended. With a SendToReplicas that goes by Completed.IsReadOnly, the store's own
// commands go to primaries all the same, but for the reads of a ClientSideCache.
//
// A Store takes half a megabyte, in which it notes what it has seen a moment ago.
//
// # Round trips
//
// Load, LoadTouch, Touch, and a Save of what was loaded take one each, so that
// a request that reads takes one and one that reads and writes takes two. What
// changes the principal or the deadline of a session that has a principal updates
// the principal's index first: two for Create and Delete, three for Save, but two
// for the Save of a login, and for a Renew within a minute of one. With
// WaitReplicas a login takes three, too. One of a principal with more than 16
// sessions takes two or three more, to tidy the index; one that was revoked
// meanwhile takes one more to find that out.
//
// A client of rueidis sends together what waits to be sent. In a process that
// always answers many requests at a time, let it wait for others:
//
//	rueidis.ClientOption{InitAddress: addresses, MaxFlushDelay: 100 * time.Microsecond}
//
// With 64 clients there were twice as many reads a second, and some 40 % more
// writes. With two to 16 it is slower, for who waits then does so for
// nothing; a request that is alone does not wait. See docs/benchmarks.md of the
// project.
//
// # Keys
//
// A session is one string, at "scarab:{HANDLE}"; the layout is in record.go. It
// expires by Redis' clock, to the millisecond. A principal is one sorted set, at
// "scarab:principal:NAME", with the handles of its sessions and the time of the
// last RevokePrincipal; it may name sessions that are gone, which listing
// repairs, and misses none. RevokePrincipal also leaves a key for an hour at
// each handle that a login may be under way for.
//
// An ACL user needs these rights:
//
//	~scarab:* +@read +@write +@scripting +@connection +info +time +wait
//
// and for what rueidis sends by itself, on every node:
//
//	+multi +exec                       with a ClientSideCache
//	+cluster|slots +cluster|shards     in a cluster
//	+role                              behind Sentinel
//
// Of CLUSTER SLOTS and CLUSTER SHARDS it uses the second from Redis 8 on. A user
// of the sentinels themselves, if they have one, needs
//
//	&* +@connection +subscribe +unsubscribe +sentinel|sentinels +sentinel|get-master-addr-by-name
//
// # What is lost when Redis fails
//
// As much as its persistence says: see docs/operations.md of the project.
// Redis must not evict sessions as it likes. If its maxmemory-policy is not
// noeviction the store warns about it; see [Store.CheckPolicy].
//
// # Writes are not repeated
//
// A script that writes may have run although its answer was lost. rueidis does
// not send such a command a second time, and neither does this package, unless
// twice is as good as once: a touch, a delete.
//
// # Compatibility
//
// Records written by a released version are read by every later one with the
// same major version.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
)

// A Config says how a [Store] uses Redis. The zero value is fit for production.
type Config struct {
	// Prefix is what all keys start with; the default is "scarab:". In a
	// cluster, one with a hash tag, such as "{web}:", puts all sessions on
	// one node.
	Prefix string

	// WaitReplicas makes Create, Login, Delete and the revocations wait until
	// so many replicas have them, for WaitTimeout at most (default 1 s). If
	// fewer have, they fail with ErrReplicas; what was written stays, and
	// scarab takes a session that it finds written for saved. It makes it
	// unlikely that a failover brings an ended session back. It does not rule
	// it out: Redis may promote a replica that has less than others.
	//
	// It costs a connection of its own for each such call, and another round
	// trip to a replica.
	WaitReplicas int
	WaitTimeout  time.Duration

	// ClientSideCache answers LoadTouch from memory where it can, with no round
	// trip. Redis tells when a session changes. That takes a moment, in which
	// another process may show a session as it was: one that was ended, too. A
	// copy is used for a second at most, even if Redis' message is lost. What
	// this Store has written itself, ended above all, it never shows as it was
	// before. A token that a copy does not open, such as the one of a login a
	// moment ago, is for Redis to judge. Requests whose method is not safe, such
	// as POST, go past the cache by themselves, and what has a context of [Fresh].
	//
	// It needs a client without DisableCache, and with no SendToReplicas.
	ClientSideCache bool

	// Logger gets the warning about the eviction policy. The default is
	// slog.Default().
	Logger *slog.Logger
}

// A Store keeps sessions in Redis. Make it with [New].
type Store struct {
	client  rueidis.Client
	cfg     Config
	written written
	seen    seen
	checked atomic.Bool // the eviction policy was looked at
	err     error       // what was wrong with the arguments of New
}

var (
	_ scarab.Store          = (*Store)(nil)
	_ scarab.LoadToucher    = (*Store)(nil)
	_ scarab.PrincipalStore = (*Store)(nil)
	_ scarab.Scanner        = (*Store)(nil)
)

// ErrReplicas: fewer replicas than Config.WaitReplicas had a write when
// WaitTimeout was over.
var ErrReplicas = errors.New("redisstore: too few replicas have it")

// New returns a store that uses client, which stays the caller's. It does no
// I/O. If an argument is wrong, every method of the store reports it.
func New(client rueidis.Client, cfg Config) *Store {
	if cfg.Prefix == "" {
		cfg.Prefix = "scarab:"
	}
	if cfg.WaitTimeout == 0 {
		cfg.WaitTimeout = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &Store{client: client, cfg: cfg}
	s.written.on = cfg.ClientSideCache
	switch {
	case client == nil:
		s.err = errors.New("redisstore: the client is nil: make it with rueidis.NewClient")
	case badTag(cfg.Prefix):
		s.err = fmt.Errorf("redisstore: Prefix %q has a brace that opens no hash tag: leave it out, or put a name and a closing brace after it", cfg.Prefix)
	case cfg.WaitReplicas < 0:
		s.err = fmt.Errorf("redisstore: WaitReplicas is %d, and cannot be negative", cfg.WaitReplicas)
	case cfg.WaitTimeout < time.Millisecond:
		s.err = fmt.Errorf("redisstore: WaitTimeout is %v, and must be at least 1ms", cfg.WaitTimeout)
	}
	return s
}

// badTag reports a prefix whose brace would undo the hash tags of the keys.
//
// Source: Redis cluster specification, "Hash tags".
func badTag(prefix string) bool {
	_, tag, open := strings.Cut(prefix, "{")
	return open && strings.IndexByte(tag, '}') < 1
}

// sessionKey has the handle as a hash tag: the keys of a session are on one
// node.
func (s *Store) sessionKey(h scarab.Handle) string {
	return s.cfg.Prefix + "{" + h.String() + "}"
}

// barrierKey is set when principal was revoked and h may be about to become a
// session of it.
func (s *Store) barrierKey(h scarab.Handle, principal string) string {
	return s.sessionKey(h) + ":revoked:" + principal
}

func (s *Store) principalKey(principal string) string {
	return s.cfg.Prefix + "principal:" + principal
}

// CheckPolicy returns an error if a server may evict sessions before they
// expire: if its maxmemory-policy is another than noeviction. The store checks
// it once, at the first session it creates, and logs a warning.
func (s *Store) CheckPolicy(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	for addr, node := range s.client.Nodes() {
		info, err := node.Do(ctx, node.B().Info().Section("memory").Build()).ToString()
		if err != nil {
			return fmt.Errorf("redisstore: asking %s for its maxmemory-policy: %w", addr, err)
		}
		if policy := infoField(info, "maxmemory_policy"); policy != "noeviction" {
			return fmt.Errorf("redisstore: the maxmemory-policy of %s is %q: with it Redis may end sessions, and forget revocations, "+
				"to make room for others; set it to noeviction", addr, policy)
		}
	}
	return nil
}

func (s *Store) checkPolicyOnce(ctx context.Context) {
	if s.checked.Swap(true) {
		return
	}
	if err := s.CheckPolicy(ctx); err != nil {
		s.cfg.Logger.WarnContext(ctx, err.Error())
	}
}
