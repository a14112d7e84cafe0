package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/shop"
	"github.com/scarab-go/scarab/admin/state"
	"github.com/scarab-go/scarab/csrf"
	"github.com/scarab-go/scarab/memstore"
)

// A site is the interface over a sample shop that has been open for a day.
type site struct {
	base  string // its address
	links *admin.Links
	ago   atomic.Int64 // how far back its clock is, as a time.Duration

	factory *scarab.Factory
	events  *admin.Events
	server  *http.Server
	close   []func() error
}

func (s *site) now() time.Time { return time.Now().Add(-time.Duration(s.ago.Load())) }

// serve starts a site with its files in dir, until stop.
func serve(ctx context.Context, dir string) (s *site, err error) {
	s = &site{links: new(admin.Links)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	db, err := s.open(filepath.Join(dir, "shop.sqlite"))
	if err != nil {
		return s, err
	}
	if err := shop.Create(ctx, db, admin.SQLite); err != nil {
		return s, err
	}
	own, err := s.open(filepath.Join(dir, "own.sqlite"))
	if err != nil {
		return s, err
	}
	kept, err := state.Open(ctx, own)
	if err != nil {
		return s, err
	}
	store := memstore.New()
	s.events = &admin.Events{Clock: s.now}
	s.factory, err = scarab.New(scarab.Stored(store), scarab.Config{
		Insecure: true, Cookie: scarab.Cookie{Name: "scarab"}, IdleTimeout: 8 * time.Hour, OnEvent: s.events.Record, Clock: s.now,
	})
	if err != nil {
		return s, err
	}
	handler, err := admin.New(db, admin.Config{
		Dialect: admin.SQLite, CSRF: csrf.Config{Insecure: true, OnEvent: s.events.Record}, Links: s.links, State: kept, Clock: s.now,
		Sessions: &admin.Sessions{Factory: s.factory, Store: store, Events: s.events},
		Logger:   slog.New(slog.NewTextHandler(io.Discard, nil)),
		Access:   func(context.Context, string, string) admin.Permission { return admin.Write },
	})
	if err != nil {
		return s, err
	}
	if err := s.aDay(ctx); err != nil {
		return s, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return s, err
	}
	s.base = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: s.factory.Wrap(handler), ReadHeaderTimeout: 10 * time.Second}
	go s.server.Serve(listener) // until stop
	return s, nil
}

func (s *site) open(file string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err == nil {
		s.close = append(s.close, db.Close)
	}
	return db, err
}

func (s *site) stop() (err error) {
	if s.server != nil {
		err = s.server.Close()
	}
	for _, f := range s.close {
		err = errors.Join(err, f())
	}
	return err
}

// aDay lets a day pass: few visitors at night, more in the afternoon, and now
// and then a cookie that is refused.
func (s *site) aDay(ctx context.Context) error {
	const step = 15 * time.Minute
	random := rand.New(rand.NewPCG(3, 4))
	for ago := 24*time.Hour - step; ago >= 0; ago -= step {
		s.ago.Store(int64(ago))
		hour := int(s.now().UTC().Hour())
		busy := [24]int{1, 1, 1, 0, 0, 1, 1, 2, 4, 6, 7, 7, 6, 7, 8, 9, 8, 6, 5, 4, 3, 3, 2, 1}[hour]
		s.events.Sample(busy + random.IntN(3))
		for range random.IntN(busy/2 + 1) {
			s.events.Record(ctx, scarab.Event{Kind: scarab.EventLogin, Principal: visitors[random.IntN(len(visitors))].user})
		}
		for _, refused := range []struct {
			kind   scarab.EventKind
			reason string
			oneIn  int
		}{{scarab.EventExpired, "idle", 3}, {scarab.EventRejected, "unknown", 9}, {scarab.EventRejected, "malformed", 20}, {scarab.EventSuperseded, "", 40}} {
			if random.IntN(refused.oneIn) == 0 {
				s.events.Record(ctx, scarab.Event{Kind: refused.kind, Reason: refused.reason})
			}
		}
	}
	for _, v := range visitors {
		s.ago.Store(int64(v.ago))
		if err := s.logIn(v); err != nil {
			return err
		}
	}
	s.ago.Store(0)
	s.events.Sample(len(visitors) + 1)
	return nil
}

// A visitor is somebody who logged in some time ago.
type visitor struct {
	user, label string
	ago         time.Duration
	cart        []string
}

var visitors = []visitor{
	{"noor", "Firefox on Windows · 198.51.100.23", 6*time.Hour + 12*time.Minute, nil},
	{"igor", "Chrome on Linux · 203.0.113.80", 3*time.Hour + 41*time.Minute, []string{"MUG-0001", "TRA-0010"}},
	{"hana", "Safari on iPhone · 2001:db8:7a::/64", 58 * time.Minute, []string{"LAM-0013"}},
	{"noor", "Safari on macOS · 198.51.100.23", 24 * time.Minute, []string{"CLO-0004", "BAS-0003", "CAN-0011"}},
	{"lena", "Edge on Windows · 192.0.2.146", 3 * time.Minute, nil},
}

func (s *site) logIn(v visitor) error {
	cart, notices := scarab.Key[[]string]("cart"), scarab.Queue[string]("")
	h := s.factory.Wrap(s.factory.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, session *scarab.Session) error {
		session.Login(v.user)
		session.SetLabel(v.label)
		if v.cart != nil {
			cart.Set(session, v.cart)
			notices.Push(session, "Your cart was kept.")
		}
		return nil
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusOK {
		return fmt.Errorf("logging %s in: %d %s", v.user, w.Code, w.Body)
	}
	return nil
}
