package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/admin/state"
	"github.com/scarab-go/scarab/csrf"
)

// A server is what serve was asked to start.
type server struct {
	addr, db, state, sessions, keyFile string
	tlsCert, tlsKey                    string
	cookieName, user                   string
	idle, lifetime                     time.Duration
}

// serve starts the administration interface.
func serve(flags *flag.FlagSet) func(context.Context, streams, []string) error {
	c := new(server)
	flags.StringVar(&c.addr, "addr", "127.0.0.1:8080", "`address` to listen on; off this machine it needs TLS")
	flags.StringVar(&c.db, "db", "app.sqlite", "`database` to administer: an SQLite file, which becomes a sample shop if it does not exist, postgres://… or mysql://…")
	flags.StringVar(&c.state, "state", "", "SQLite `file` with users and the audit log (default: one beside --db)")
	flags.StringVar(&c.sessions, "sessions", "", "where sessions are: sqlite:FILE, memory:, cookie (sealed) or signed: (default: an SQLite file beside --db)")
	flags.StringVar(&c.keyFile, "key-file", "", "`file` with the keys of the cookie codecs (default: one beside --db, made if it is not there)")
	flags.StringVar(&c.tlsCert, "tls-cert", "", "`file` with the certificate and its chain, as PEM")
	flags.StringVar(&c.tlsKey, "tls-key", "", "`file` with the certificate's key, as PEM")
	flags.StringVar(&c.cookieName, "cookie-name", "", "`name` of the session cookie (default: __Host-session, and scarab without TLS)")
	flags.StringVar(&c.user, "user", "admin", "`name` that the login link logs in")
	flags.DurationVar(&c.idle, "idle", time.Hour, "how `long` a session lives unused")
	flags.DurationVar(&c.lifetime, "lifetime", 24*time.Hour, "how `long` a session lives at most")
	return c.run
}

func (c *server) run(ctx context.Context, s streams, _ []string) error {
	secure := c.tlsCert != "" || c.tlsKey != ""
	if err := c.checkAddress(secure); err != nil {
		return err
	}
	db, err := openApplication(ctx, c.db)
	if err != nil {
		return err
	}
	defer db.Close()
	kept, err := keep(ctx, c.sessions, db.beside, c.keyFile)
	if err != nil {
		return err
	}
	defer kept.close()
	own, closeOwn, err := openState(ctx, stateFile(c.state, c.db))
	if err != nil {
		return err
	}
	defer closeOwn()
	logger := slog.New(slog.NewTextHandler(s.err, nil))
	events := new(admin.Events)
	onEvent := func(ctx context.Context, e scarab.Event) {
		scarab.LogEvents(logger)(ctx, e)
		events.Record(ctx, e)
	}
	cfg := scarab.Config{Insecure: !secure, IdleTimeout: c.idle, Lifetime: c.lifetime, OnEvent: onEvent, OnError: onError(logger)}
	// Cookies do not tell ports apart: on localhost the name keeps this
	// session apart from those of other applications.
	cfg.Cookie.Name = c.cookieName
	if c.cookieName == "" && !secure {
		cfg.Cookie.Name = "scarab"
	}
	factory, err := scarab.New(kept.backend, cfg)
	if err != nil {
		return err
	}
	links := new(admin.Links)
	sessions := &admin.Sessions{Factory: factory, Store: kept.store, Events: events}
	handler, err := admin.New(db.DB, admin.Config{
		Title: "scarab", Dialect: db.dialect, CSRF: csrf.Config{Insecure: !secure, OnEvent: onEvent}, Links: links, Logger: logger, State: own, Sessions: sessions,
		Access: c.access(own, logger),
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return &hintedError{err, "choose another address with --addr; port 0 takes any that is free"}
	}
	base := c.base(listener.Addr(), secure)
	if db.created {
		fmt.Fprintf(s.out, "Made a sample shop in %s.\n", db.where)
	}
	fmt.Fprintf(s.out, "Serving %s on %s/\nSessions are kept %s.\n", db.where, base, kept.where)
	c.printLink(s.out, base, links)
	go c.linksOnEnter(s, base, links)
	if kept.store != nil {
		go events.Run(ctx, func(ctx context.Context) (int, error) { return sessions.Count(ctx, time.Now()) })
	}
	return c.listen(ctx, listener, factory, factory.Wrap(handler), logger)
}

// onError answers where a session cannot be loaded or saved.
func onError(logger *slog.Logger) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		logger.ErrorContext(r.Context(), "session", "path", r.URL.Path, "error", err)
		if errors.Is(err, scarab.ErrTooLarge) {
			http.Error(w, "The session does not hold that much. Go back, take messages out of its queues and try again.", http.StatusInsufficientStorage)
			return
		}
		scarab.DefaultOnError(w, r, err)
	}
}

// access is what the users of the state database may do. Whom the login link
// logs in may do everything, unless there is a user of that name.
func (c *server) access(own *state.DB, logger *slog.Logger) func(context.Context, string, string) admin.Permission {
	return func(ctx context.Context, principal, target string) admin.Permission {
		p, known, err := own.Permission(ctx, principal, target)
		switch {
		case err != nil:
			logger.ErrorContext(ctx, "permissions", "error", err)
			return admin.None
		case !known && principal == c.user:
			return admin.Write
		}
		return p
	}
}

// checkAddress refuses plain http for anyone but this machine: on the way,
// cookies and login links could be read.
func (c *server) checkAddress(secure bool) error {
	if (c.tlsCert == "") != (c.tlsKey == "") {
		return &usageError{"TLS needs both --tls-cert and --tls-key", "give both files, or neither"}
	}
	host, _, err := net.SplitHostPort(c.addr)
	if err != nil {
		return &usageError{fmt.Sprintf("--addr %q: %v", c.addr, err), "write HOST:PORT, such as 127.0.0.1:8080"}
	}
	ip := net.ParseIP(host)
	if secure || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return &usageError{
		fmt.Sprintf("--addr %s is reachable from other machines, and that needs TLS: session cookies and login links must not be read on the way", c.addr),
		"give --tls-cert and --tls-key, or listen on 127.0.0.1",
	}
}

// base is the address for browsers.
func (c *server) base(addr net.Addr, secure bool) string {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	host, _, _ := net.SplitHostPort(c.addr)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(addr.String())
	return scheme + "://" + net.JoinHostPort(host, port)
}

func (c *server) printLink(w io.Writer, base string, links *admin.Links) {
	fmt.Fprintf(w, "\nLog in as %s, once, within %d minutes:\n\n  %s%s\n\nPress Enter for another link, Ctrl-C to stop.\n",
		c.user, int(admin.LinkLifetime/time.Minute), base, links.New(c.user))
}

// linksOnEnter prints a link for each line that is typed.
func (c *server) linksOnEnter(s streams, base string, links *admin.Links) {
	for lines := bufio.NewScanner(s.in); lines.Scan(); {
		c.printLink(s.out, base, links)
	}
}

func (c *server) listen(ctx context.Context, l net.Listener, f *scarab.Factory, h http.Handler, logger *slog.Logger) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	ctx, stop := context.WithCancel(ctx)
	var both sync.WaitGroup
	both.Go(func() {
		if err := f.Run(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errors.ErrUnsupported) {
			logger.Error("sweeping sessions", "error", err)
		}
	})
	var shutdown error
	both.Go(func() {
		<-ctx.Done()
		patience, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer done()
		shutdown = srv.Shutdown(patience)
	})
	var err error
	if c.tlsCert != "" {
		err = srv.ServeTLS(l, c.tlsCert, c.tlsKey)
	} else {
		err = srv.Serve(l)
	}
	stop()
	both.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return cmp.Or(err, shutdown)
}
