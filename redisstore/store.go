package redisstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
)

// What the scripts that create and save return.
const (
	refused  = 0 // gone, or its principal is revoked
	notYet   = 1 // it exists; the index comes first
	accepted = 2
	relist   = 3 // as notYet, and the session has its principal already
)

// Load implements [scarab.Store].
func (s *Store) Load(ctx context.Context, h scarab.Handle, now time.Time) (scarab.Record, error) {
	return s.load(ctx, h, "", now, now)
}

// LoadTouch implements [scarab.LoadToucher]. With Config.ClientSideCache it may
// need no round trip.
func (s *Store) LoadTouch(ctx context.Context, h scarab.Handle, secret [32]byte, now time.Time, every time.Duration) (scarab.Record, error) {
	if s.cfg.ClientSideCache && s.err == nil && !isFresh(ctx) && !s.written.lately(h) {
		if r, ok, err := s.cached(ctx, h, secret, now, every); ok {
			return r, err
		}
	}
	since := now.Add(-every)
	if s.err == nil && s.seen.since(h, since) {
		// Not Get, which IsReadOnly would be true of, and SendToReplicas may go by.
		get := s.client.B().Arbitrary("GET").Keys(s.sessionKey(h)).Build().ToRetryable()
		r, err := live(h, s.client.Do(ctx, get), now)
		if err != nil || r.Secret != secret || !r.Seen.Before(since) {
			return r, err
		}
	}
	r, err := s.load(ctx, h, string(secret[:]), now, since)
	if err == nil {
		s.seen.note(h, r.Seen)
	}
	return r, err
}

// load loads, and touches if secret is right and the session was not seen since.
func (s *Store) load(ctx context.Context, h scarab.Handle, secret string, now, since time.Time) (scarab.Record, error) {
	if s.err != nil {
		return scarab.Record{}, s.err
	}
	res := s.run(ctx, load, []string{s.sessionKey(h)}, secret, decimal(micros(now)), decimal(micros(since)))
	return live(h, res, now)
}

// live decodes the record in an answer, unless it has expired at now.
func live(h scarab.Handle, res rueidis.RedisResult, now time.Time) (scarab.Record, error) {
	b, err := res.AsBytes()
	if rueidis.IsRedisNil(err) {
		return scarab.Record{}, scarab.ErrNoSession
	}
	if err != nil {
		return scarab.Record{}, failed("loading", h, err)
	}
	r, err := decode(h, b)
	if err != nil {
		return scarab.Record{}, failed("loading", h, err)
	}
	if r.Expired(now) {
		return scarab.Record{}, scarab.ErrNoSession
	}
	return r, nil
}

// Create implements [scarab.Store].
func (s *Store) Create(ctx context.Context, r scarab.Record) error {
	if s.err != nil {
		return s.err
	}
	s.checkPolicyOnce(ctx)
	value, err := encode(&r)
	if err != nil {
		return err
	}
	if r.Principal == "" {
		return s.create(ctx, &r, value)
	}
	return s.listed(ctx, &r, true, func(ctx context.Context) error { return s.create(ctx, &r, value) })
}

func (s *Store) create(ctx context.Context, r *scarab.Record, value string) error {
	defer s.written.note(r.Handle)
	res, err := s.runDurably(ctx, create, s.keys(r), value, expiry(r), decimal(micros(r.AuthTime)))
	if err != nil {
		return failed("creating", r.Handle, err)
	}
	switch n, err := res.AsInt64(); {
	case err != nil:
		return failed("creating", r.Handle, err)
	case n == refused:
		return scarab.ErrNoSession
	case n == notYet:
		return scarab.ErrExists
	}
	return nil
}

// Save implements [scarab.Store].
func (s *Store) Save(ctx context.Context, r scarab.Record) error {
	if s.err != nil {
		return s.err
	}
	value, err := encode(&r)
	if err != nil {
		return err
	}
	write := func(ctx context.Context) error {
		_, err := s.save(ctx, &r, value, true)
		return err
	}
	// A guess must not wait for replicas.
	if s.cfg.WaitReplicas == 0 && logsIn(&r) {
		// What is refused may yet be a session that a revocation kept.
		if err := s.listed(ctx, &r, true, write); !errors.Is(err, scarab.ErrNoSession) {
			return err
		}
	}
	n, err := s.save(ctx, &r, value, false)
	if err != nil || n == accepted {
		return err
	}
	return s.listed(ctx, &r, n == notYet, write)
}

// logsIn reports whether r is as a login leaves it, which the index has to have
// first. It may be wrong: that costs a round trip, and an entry of the index if
// there is no such session any more.
func logsIn(r *scarab.Record) bool {
	return r.Principal != "" && r.Renewed.Equal(r.Seen) && r.Seen.Sub(r.AuthTime) < time.Minute
}

// save returns what the script does: accepted, or that the index comes first.
func (s *Store) save(ctx context.Context, r *scarab.Record, value string, listed bool) (int64, error) {
	defer s.written.note(r.Handle)
	var version [8]byte
	binary.BigEndian.PutUint64(version[:], r.Version-1)
	var res rueidis.RedisResult
	var err error
	if listed {
		res, err = s.runDurably(ctx, save, s.keys(r), rueidis.BinaryString(version[:]), value, expiry(r), decimal(micros(r.AuthTime)))
	} else {
		res = s.run(ctx, save, []string{s.sessionKey(r.Handle)}, rueidis.BinaryString(version[:]), value, expiry(r))
		err = res.Error()
	}
	if err != nil {
		return 0, failed("saving", r.Handle, err)
	}
	n, err := res.AsInt64()
	if err != nil { // it is the record that is there
		b, err := res.AsBytes()
		if err != nil {
			return 0, failed("saving", r.Handle, err)
		}
		current, err := decode(r.Handle, b)
		if err != nil {
			return 0, failed("saving", r.Handle, err)
		}
		return 0, &scarab.ConflictError[scarab.Record]{Current: &current}
	}
	if n == refused {
		return 0, scarab.ErrNoSession
	}
	return n, nil
}

// Touch implements [scarab.Store].
func (s *Store) Touch(ctx context.Context, h scarab.Handle, now time.Time) error {
	if s.err != nil {
		return s.err
	}
	defer s.written.note(h)
	n, err := s.run(ctx, touch, []string{s.sessionKey(h)}, decimal(micros(now))).AsInt64()
	if err != nil {
		return failed("touching", h, err)
	}
	if n == refused {
		return scarab.ErrNoSession
	}
	return nil
}

// Delete implements [scarab.Store].
func (s *Store) Delete(ctx context.Context, h scarab.Handle) error {
	if s.err != nil {
		return s.err
	}
	defer s.written.note(h)
	force := ""
	if s.cfg.WaitReplicas > 0 {
		force = "write"
	}
	res, err := s.runDurably(ctx, remove, []string{s.sessionKey(h)}, force)
	if err != nil {
		return failed("deleting", h, err)
	}
	if principal, _ := res.ToString(); principal != "" {
		// If it stays in the index, a later listing takes it out.
		s.client.Do(ctx, s.client.B().Zrem().Key(s.principalKey(principal)).Member(string(h[:])).Build())
	}
	return nil
}

func (s *Store) keys(r *scarab.Record) []string {
	return []string{s.sessionKey(r.Handle), s.barrierKey(r.Handle, r.Principal)}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func failed(doing string, h scarab.Handle, err error) error {
	return fmt.Errorf("redisstore: %s session %s: %w", doing, h, err)
}
