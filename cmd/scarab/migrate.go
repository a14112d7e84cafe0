package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
)

// migrate copies running sessions from one store to another. A token is good in
// both: a record keeps its handle and the hash of its secret.
//
// Give the application the new store with the old one in Config.Fallbacks first:
// then a logout ends a session in both, and a second run of migrate finds nothing
// to bring back.
func migrate(flags *flag.FlagSet) func(context.Context, streams, []string) error {
	from := flags.String("from", "", "the store to read: "+storeURLs)
	to := flags.String("to", "", "the store to write: the same kinds")
	return func(ctx context.Context, s streams, _ []string) (err error) {
		source, err := openStore(ctx, "--from", *from, false)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, source.close()) }()
		target, err := openStore(ctx, "--to", *to, true)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, target.close()) }()
		scanner, ok := source.Store.(scarab.Scanner)
		if !ok {
			return fmt.Errorf("%s: this store does not list its sessions: %w", source.where, errors.ErrUnsupported)
		}
		m := migration{ctx: ctx, from: source.Store, to: target.Store, now: time.Now}
		total := 0
		for _, err := range scanner.Scan(ctx) {
			if err != nil {
				return fmt.Errorf("counting the sessions of %s: %w", source.where, err)
			}
			total++
		}
		b := bar{w: s.err, total: total}
		for r, err := range scanner.Scan(ctx) {
			if err == nil {
				err = m.copy(r)
			}
			if err != nil {
				b.end()
				return &hintedError{fmt.Errorf("after %d sessions: %w", m.copied+m.kept+m.expired, err), "run it again: it goes on where it stopped"}
			}
			b.step()
		}
		b.end()
		_, err = fmt.Fprintf(s.out, "Copied %d sessions from %s to %s; %d were there already, %d had expired or ended.\n",
			m.copied, source.where, target.where, m.kept, m.expired)
		return err
	}
}

type migration struct {
	ctx                   context.Context
	from, to              scarab.Store
	now                   func() time.Time
	copied, kept, expired int
}

// copy brings one record over. One that is there already stays if it is as new:
// an application may be writing to either store meanwhile.
func (m *migration) copy(listed scarab.Record) error {
	r, err := m.from.Load(m.ctx, listed.Handle, m.now()) // as it is now: listing may be without data, or minutes old
	if errors.Is(err, scarab.ErrNoSession) {
		m.expired++
		return nil
	}
	if err != nil {
		return err
	}
	for range 3 {
		err := m.to.Create(m.ctx, r)
		if !errors.Is(err, scarab.ErrExists) {
			if err == nil {
				m.copied++
			} else if errors.Is(err, scarab.ErrNoSession) { // its principal was revoked there
				m.expired++
				err = nil
			}
			return err
		}
		there, err := m.to.Load(m.ctx, r.Handle, m.now())
		if err == nil && there.Version >= r.Version {
			m.kept++
			return nil
		}
		if err != nil && !errors.Is(err, scarab.ErrNoSession) {
			return err
		}
		if err := m.to.Delete(m.ctx, r.Handle); err != nil { // from an earlier run, or expired
			return err
		}
	}
	m.kept++ // somebody else keeps writing it there
	return nil
}

// A bar shows progress on a terminal, a line at a time elsewhere.
type bar struct {
	w           io.Writer
	total, done int
	shown       time.Time
}

func (b *bar) step() {
	if b.done++; time.Since(b.shown) >= 200*time.Millisecond && b.terminal() {
		b.shown = time.Now()
		b.draw()
	}
}

func (b *bar) draw() {
	const width = 40
	total := max(b.total, b.done, 1)
	filled := width * b.done / total
	fmt.Fprintf(b.w, "\r[%s%s] %3d %%  %d of %d", strings.Repeat("#", filled), strings.Repeat(".", width-filled), 100*b.done/total, b.done, total)
}

func (b *bar) end() {
	if b.done > 0 {
		b.draw()
		fmt.Fprintln(b.w)
	}
}

func (b *bar) terminal() bool {
	f, ok := b.w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
