package redisstore

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
)

// Scan implements [scarab.Scanner]. Redis may name a session twice while it
// resizes its tables. A record that does not decode is yielded as its handle,
// with an error that matches [scarab.ErrUndecodable]; the scan goes on.
func (s *Store) Scan(ctx context.Context) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		if s.err != nil {
			yield(scarab.Record{}, s.err)
			return
		}
		for addr, node := range s.client.Nodes() {
			more, err := s.scanNode(ctx, node, yield)
			if err != nil {
				yield(scarab.Record{}, fmt.Errorf("redisstore: scanning %s: %w", addr, err))
				return
			}
			if !more {
				return
			}
		}
	}
}

// scanNode yields the sessions of one node, unless that is a replica.
func (s *Store) scanNode(ctx context.Context, node rueidis.Client, yield func(scarab.Record, error) bool) (more bool, err error) {
	info, err := node.Do(ctx, node.B().Info().Section("replication").Build()).ToString()
	if err != nil {
		return false, err
	}
	if infoField(info, "role") != "master" {
		return true, nil
	}
	pattern := globEscape.Replace(s.cfg.Prefix) + "{*}"
	for cursor := uint64(0); ; {
		page, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(pattern).Count(batch).Build()).AsScanEntry()
		if err != nil {
			return false, err
		}
		for r, err := range s.loadAll(ctx, page.Elements) {
			if !yield(r, err) {
				return false, nil
			}
		}
		if cursor = page.Cursor; cursor == 0 {
			return true, nil
		}
	}
}

// loadAll loads the sessions among keys, in one round trip to each node.
func (s *Store) loadAll(ctx context.Context, keys []string) iter.Seq2[scarab.Record, error] {
	return func(yield func(scarab.Record, error) bool) {
		var handles []scarab.Handle
		var cmds rueidis.Commands
		for _, key := range keys {
			name := strings.TrimSuffix(strings.TrimPrefix(key, s.cfg.Prefix+"{"), "}")
			h, err := scarab.ParseHandle(name)
			if err != nil {
				continue // another key
			}
			handles = append(handles, h)
			cmds = append(cmds, s.client.B().Get().Key(key).Build())
		}
		for i, res := range s.client.DoMulti(ctx, cmds...) {
			b, err := res.AsBytes()
			if rueidis.IsRedisNil(err) {
				continue
			}
			r := scarab.Record{Handle: handles[i]}
			if err == nil {
				r, err = decode(handles[i], b)
			}
			if err != nil {
				r, err = scarab.Record{Handle: handles[i]}, failed("loading", handles[i], err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

var globEscape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// infoField finds a field in the answer to INFO.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
