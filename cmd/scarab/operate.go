package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"text/tabwriter"
	"time"

	"github.com/scarab-go/scarab"
)

// operate is "scarab sessions": what an operator does to running sessions.
func operate(flags *flag.FlagSet) func(context.Context, streams, []string) error {
	address := flags.String("store", "", "where the sessions are: "+storeURLs)
	user := flags.String("user", "", "list: only the sessions of this principal")
	values := flags.Bool("values", false, "show: the values too, not only keys and sizes")
	return func(ctx context.Context, s streams, args []string) (err error) {
		if len(args) == 0 {
			return &usageError{"sessions does nothing by itself", "say list, show HANDLE, revoke HANDLE, revoke-user NAME or sweep"}
		}
		verb, args := args[0], args[1:]
		do, ok := map[string]func(*operator, []string) error{
			"list": func(o *operator, _ []string) error { return o.list(*user) },
			"show": func(o *operator, args []string) error { return o.show(args[0], *values) },
			"revoke": func(o *operator, args []string) error {
				return o.revoke(args[0])
			},
			"revoke-user": func(o *operator, args []string) error { return o.revokeUser(args[0]) },
			"sweep":       func(o *operator, _ []string) error { return o.sweep() },
		}[verb]
		if !ok {
			return &usageError{fmt.Sprintf("there is no sessions %q", verb), "say list, show HANDLE, revoke HANDLE, revoke-user NAME or sweep"}
		}
		wants := map[string]string{"show": "HANDLE", "revoke": "HANDLE", "revoke-user": "NAME"}[verb]
		switch {
		case wants != "" && len(args) != 1:
			return &usageError{fmt.Sprintf("sessions %s needs one %s", verb, wants), `"sessions list" shows handles and users`}
		case wants == "" && len(args) != 0:
			return &usageError{fmt.Sprintf("unexpected argument %q", args[0]), "see scarab help sessions"}
		}
		store, err := openStore(ctx, "--store", *address, false)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.close()) }()
		factory, err := scarab.New(scarab.Stored(store.Store), scarab.Config{})
		if err != nil {
			return err
		}
		return do(&operator{ctx, s, store, factory}, args)
	}
}

type operator struct {
	ctx     context.Context
	s       streams
	store   *openedStore
	factory *scarab.Factory
}

func (o *operator) list(user string) error {
	records, err := o.records(user)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(o.s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HANDLE\tUSER\tDEVICE\tCREATED\tLAST SEEN\tEXPIRES")
	now := time.Now()
	for r, err := range records {
		if err != nil {
			return err
		}
		if r.Expired(now) {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Handle, inert(r.Principal), inert(r.Label), when(r.Created), when(r.Seen), when(r.Expires))
	}
	return w.Flush()
}

// records are those of user, or all.
func (o *operator) records(user string) (iter.Seq2[scarab.Record, error], error) {
	if user != "" {
		if p, ok := o.store.Store.(scarab.PrincipalStore); ok {
			return p.Principal(o.ctx, user), nil
		}
		return nil, fmt.Errorf("%s: this store does not find sessions by user: %w", o.store.where, errors.ErrUnsupported)
	}
	if sc, ok := o.store.Store.(scarab.Scanner); ok {
		return sc.Scan(o.ctx), nil
	}
	return nil, fmt.Errorf("%s: this store does not list its sessions: %w", o.store.where, errors.ErrUnsupported)
}

func (o *operator) show(handle string, withValues bool) error {
	h, err := scarab.ParseHandle(handle)
	if err != nil {
		return &usageError{err.Error(), `"sessions list" shows handles`}
	}
	r, err := o.store.Load(o.ctx, h, time.Now())
	if errors.Is(err, scarab.ErrNoSession) {
		return &hintedError{fmt.Errorf("there is no session %s", handle), "it has expired, or was ended"}
	}
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(o.s.out, 0, 0, 2, ' ', 0)
	for _, line := range [...][2]string{
		{"handle", handle}, {"user", inert(r.Principal)}, {"device", inert(r.Label)},
		{"created", when(r.Created)}, {"logged in", when(r.AuthTime)}, {"last seen", when(r.Seen)},
		{"expires", when(r.Expires)}, {"at the latest", when(r.Deadline)},
		{"version", fmt.Sprint(r.Version)}, {"size", fmt.Sprintf("%d bytes", len(r.Data))},
	} {
		fmt.Fprintf(w, "%s\t%s\n", line[0], cmp.Or(line[1], "-"))
	}
	values, err := r.Values()
	if err != nil {
		return errors.Join(w.Flush(), err)
	}
	fmt.Fprintln(w)
	for _, v := range values {
		text := fmt.Sprintf("%d bytes", len(v.JSON))
		if withValues {
			text = inert(string(v.JSON))
		}
		fmt.Fprintf(w, "%s\t%s\n", inert(v.Key), text)
	}
	return w.Flush()
}

func (o *operator) revoke(handle string) error {
	if _, err := scarab.ParseHandle(handle); err != nil {
		return &usageError{err.Error(), `"sessions list" shows handles`}
	}
	if err := o.factory.Revoke(o.ctx, handle); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.s.out, "Ended %s.\n", handle)
	return err
}

func (o *operator) revokeUser(name string) error {
	n, err := o.factory.RevokePrincipal(o.ctx, name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.s.out, "Ended %d sessions of %s.\n", n, inert(name))
	return err
}

func (o *operator) sweep() error {
	n, err := o.factory.Sweep(o.ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		_, err = fmt.Fprintf(o.s.out, "%s removes expired sessions by itself.\n", o.store.where)
		return err
	}
	if err == nil {
		_, err = fmt.Fprintf(o.s.out, "Removed %d expired sessions.\n", n)
	}
	return err
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// inert is text that an application or a visitor chose, as a terminal may show
// it: without control characters.
func inert(s string) string {
	b, _ := json.Marshal(s)
	quoted := string(b[1 : len(b)-1])
	if quoted == s {
		return s
	}
	return fmt.Sprintf("%q", s)
}
