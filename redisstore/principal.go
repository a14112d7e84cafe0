package redisstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
)

// A login writes the index of its principal first and the session after, in
// two steps, for in a cluster they are on two nodes. So the index names every
// session there is, and some that are not there, or not yet. How they are told
// apart: a login does not take longer than underWay.
//
// A revocation may come between the two steps of a login. It is noted in the
// index, which stops those that have not taken the first step; and at the
// handle of each session that the index names and that is not there, which
// stops those that have.
const (
	underWay = time.Hour
	// A revocation is remembered for as long as browsers keep the oldest cookie
	// that could still bring a session back (RFC 6265bis, section 5.5).
	revokedFor = 400 * 24 * time.Hour

	batch = 500 // sessions looked at in one round trip
	tidy  = 8   // entries of a long index that a login looks at
)

// listed puts r into the index of its principal and then calls write. A login
// is refused if the principal was revoked meanwhile. A session that has the
// principal already is not: a revocation has ended it, or kept it.
func (s *Store) listed(ctx context.Context, r *scarab.Record, login bool, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, underWay/2)
	defer cancel()
	until := ""
	if !r.Deadline.IsZero() {
		until = decimal(ceilMillis(r.Deadline) + underWay.Milliseconds())
	}
	at := ""
	if login {
		at = decimal(micros(r.AuthTime))
	}
	res, err := s.runDurably(ctx, list, []string{s.principalKey(r.Principal)}, string(r.Handle[:]), at, until)
	if err != nil {
		return failed("listing", r.Handle, err)
	}
	n, err := res.AsInt64()
	if err != nil {
		return failed("listing", r.Handle, err)
	}
	if n == refused {
		return scarab.ErrNoSession
	}
	if err := write(ctx); err != nil {
		return err
	}
	if n == accepted { // the index has grown long
		s.tidy(ctx, r.Principal)
	}
	return nil
}

// An entry is a handle in the index of a principal.
type entry struct {
	handle scarab.Handle
	score  string // as Redis has it
	age    time.Duration
}

// stale reports whether a session that is not there will not come any more.
func (e entry) stale() bool { return e.age > underWay }

// parseEntries reads what the scripts about an index return.
func parseEntries(res rueidis.RedisResult) ([]entry, error) {
	parts, err := res.ToArray()
	if err != nil {
		return nil, err
	}
	if len(parts) != 2 {
		return nil, errFormat
	}
	text, err := parts[0].ToString()
	if err != nil {
		return nil, err
	}
	now, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, err
	}
	flat, err := parts[1].AsStrSlice()
	if err != nil {
		return nil, err
	}
	var es []entry
	for pair := range slices.Chunk(flat, 2) {
		if pair[0] == "" { // the time of the last revocation
			continue
		}
		var h scarab.Handle
		if copy(h[:], pair[0]) != len(h) || len(pair) != 2 {
			return nil, errFormat
		}
		at, err := strconv.ParseFloat(pair[1], 64)
		if err != nil {
			return nil, err
		}
		es = append(es, entry{h, pair[1], time.Duration(now-int64(at)) * time.Millisecond})
	}
	return es, nil
}

// sessions returns the records, without data, of those entries that are
// sessions of principal, and takes the others out of the index. The error may
// be about records that do not decode, whoever's they are.
func (s *Store) sessions(ctx context.Context, principal string, es []entry) (found []scarab.Record, err error) {
	var stale []string
	var errs []error
	for some := range slices.Chunk(es, batch) {
		execs := make([]rueidis.LuaExec, len(some))
		for i, e := range some {
			execs[i].Keys = []string{s.sessionKey(e.handle)}
		}
		for i, res := range head.ExecMulti(ctx, s.client, execs...) {
			e := some[i]
			b, err := res.AsBytes()
			if err != nil && !rueidis.IsRedisNil(err) {
				return nil, err
			}
			if err == nil {
				r, err := decode(e.handle, b)
				if err != nil {
					errs = append(errs, failed("loading", e.handle, err))
					continue
				}
				if r.Principal == principal {
					r.Data = nil
					found = append(found, r)
					continue
				}
			}
			if e.stale() {
				stale = append(stale, string(e.handle[:]), e.score)
			}
		}
	}
	if len(stale) > 0 {
		errs = append(errs, s.run(ctx, strike, []string{s.principalKey(principal)}, stale...).Error())
	}
	return found, errors.Join(errs...)
}

// tidy looks at some entries of a long index. Every login adds one at most, and
// removes more than that while many are stale. That it fails matters to nobody.
func (s *Store) tidy(ctx context.Context, principal string) {
	es, err := parseEntries(s.run(ctx, entries, []string{s.principalKey(principal)}, strconv.Itoa(tidy)))
	if err == nil {
		s.sessions(ctx, principal, es)
	}
}

// Principal implements [scarab.PrincipalStore]. The records have no Data.
func (s *Store) Principal(ctx context.Context, principal string) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		found, err := s.principal(ctx, principal)
		for _, r := range found {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(scarab.Record{}, fmt.Errorf("redisstore: listing the sessions of %q: %w", principal, err))
		}
	}
}

func (s *Store) principal(ctx context.Context, principal string) ([]scarab.Record, error) {
	if s.err != nil {
		return nil, s.err
	}
	es, err := parseEntries(s.run(ctx, entries, []string{s.principalKey(principal)}, "0"))
	if err != nil {
		return nil, err
	}
	return s.sessions(ctx, principal, es)
}

// RevokePrincipal implements [scarab.PrincipalStore]. It takes three round
// trips for up to 500 sessions, and one more for each 500. The revocation is
// remembered for 400 days.
func (s *Store) RevokePrincipal(ctx context.Context, principal string, at time.Time, keep ...scarab.Handle) (int, error) {
	n, err := s.revokePrincipal(ctx, principal, at, keep)
	if err != nil {
		return n, fmt.Errorf("redisstore: revoking the sessions of %q: %w", principal, err)
	}
	return n, nil
}

func (s *Store) revokePrincipal(ctx context.Context, principal string, at time.Time, keep []scarab.Handle) (n int, err error) {
	if s.err != nil {
		return 0, s.err
	}
	if len(principal) > maxPrincipal {
		return 0, nil
	}
	// From 1970 on, as everything here.
	when := decimal(max(micros(at), 0))
	res, err := s.runDurably(ctx, revoke, []string{s.principalKey(principal)}, when, decimal(revokedFor.Milliseconds()))
	if err != nil {
		return 0, err
	}
	es, err := parseEntries(res)
	if err != nil {
		return 0, err
	}
	es = slices.DeleteFunc(es, func(e entry) bool { return slices.Contains(keep, e.handle) })
	return s.dropAll(ctx, principal, when, es)
}

// dropAll deletes the sessions of principal among es, and stops those that are
// not there yet.
func (s *Store) dropAll(ctx context.Context, principal, when string, es []entry) (n int, err error) {
	var gone []string
	for some := range slices.Chunk(es, batch) {
		var cmds rueidis.Commands
		for _, e := range some {
			defer s.written.note(e.handle)
			keys := []string{s.sessionKey(e.handle), s.barrierKey(e.handle, principal)}
			args := []string{principal, when, "0"}
			if !e.stale() {
				args[2] = decimal(underWay.Milliseconds())
			}
			if s.cfg.WaitReplicas > 0 {
				res, err := s.runDurably(ctx, drop, keys, args...)
				if err != nil {
					return n, err
				}
				if dropped, _ := res.AsInt64(); dropped > 0 {
					n++
					gone = append(gone, string(e.handle[:]), e.score)
				}
				continue
			}
			cmds = append(cmds, s.client.B().Eval().Script(drop.text).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
		}
		for i, res := range s.client.DoMulti(ctx, cmds...) {
			dropped, err := res.AsInt64()
			if err != nil {
				return n, err
			}
			if dropped > 0 {
				n++
				gone = append(gone, string(some[i].handle[:]), some[i].score)
			}
		}
	}
	if len(gone) > 0 {
		// If they stay in the index, a later listing takes them out.
		s.run(ctx, strike, []string{s.principalKey(principal)}, gone...)
	}
	return n, nil
}
