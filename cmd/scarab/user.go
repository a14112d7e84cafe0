package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/scarab-go/scarab/admin/state"
)

// A userCommand is what user was asked.
type userCommand struct {
	streams
	db          *state.DB
	admin       bool
	read, write string
}

// user says who may log in.
func user(flags *flag.FlagSet) func(context.Context, streams, []string) error {
	app := flags.String("db", "app.sqlite", "`database` that serve administers")
	file := flags.String("state", "", "SQLite `file` with the users (default: one beside --db)")
	c := new(userCommand)
	flags.BoolVar(&c.admin, "admin", false, "add, grant: may do everything")
	flags.StringVar(&c.read, "read", "", "add, grant: `tables` to look at, with commas between; * is all that are not named")
	flags.StringVar(&c.write, "write", "", "add, grant: `tables` to change")
	verbs := map[string]struct {
		do    func(*userCommand, context.Context, string) error
		named bool
	}{
		"add": {(*userCommand).add, true}, "list": {(*userCommand).list, false}, "password": {(*userCommand).password, true},
		"remove": {(*userCommand).remove, true}, "grant": {(*userCommand).grant, true},
	}
	return func(ctx context.Context, s streams, args []string) error {
		const hint = "say add NAME, list, password NAME, remove NAME or grant NAME"
		if len(args) == 0 {
			return &usageError{"user does nothing by itself", hint}
		}
		verb, ok := verbs[args[0]]
		name := ""
		switch {
		case !ok:
			return &usageError{fmt.Sprintf("there is no user %q", args[0]), hint}
		case verb.named && len(args) != 2:
			return &usageError{fmt.Sprintf("user %s needs one NAME", args[0]), hint}
		case !verb.named && len(args) != 1:
			return &usageError{fmt.Sprintf("unexpected argument %q", args[1]), hint}
		case verb.named:
			name = args[1]
		}
		db, closeDB, err := openState(ctx, stateFile(*file, *app))
		if err != nil {
			return err
		}
		c.streams, c.db = s, db
		err = verb.do(c, ctx, name)
		if errors.Is(err, state.ErrNoUser) {
			err = &hintedError{fmt.Errorf("%q: %w", name, err), `"scarab user list" shows all, and --db or --state says where`}
		}
		return errors.Join(err, closeDB())
	}
}

// grants are those of the flags.
func (c *userCommand) grants() map[string]state.Permission {
	out := map[string]state.Permission{}
	for p, list := range map[state.Permission]string{state.Read: c.read, state.Write: c.write} {
		for target := range strings.SplitSeq(list, ",") {
			if target = strings.TrimSpace(target); target != "" {
				out[target] = max(out[target], p)
			}
		}
	}
	return out
}

func (c *userCommand) add(ctx context.Context, name string) error {
	u := state.User{Name: name, Admin: c.admin, Grants: c.grants()}
	if !u.Admin && len(u.Grants) == 0 {
		return &usageError{"the user could do nothing", "give --admin, or --read and --write with tables: --write '*' is all of them"}
	}
	password, err := c.readPassword("Password for " + name + ": ")
	if err != nil {
		return err
	}
	switch err := c.db.AddUser(ctx, u, password); {
	case errors.Is(err, state.ErrTaken):
		return &hintedError{fmt.Errorf("%q: %w", name, err), "scarab user password, or scarab user grant, changes one that is there"}
	case err != nil:
		return err
	}
	fmt.Fprintf(c.out, "Added %s.\n", name)
	c.advise(password)
	return nil
}

// advise says so if a password is on the short side.
func (c *userCommand) advise(password string) {
	if n := len([]rune(password)); n < state.GoodPassword {
		fmt.Fprintf(c.err, "The password has %d characters. %d or more are better where nothing else is asked for.\n", n, state.GoodPassword)
	}
}

func (c *userCommand) password(ctx context.Context, name string) error {
	password, err := c.readPassword("New password for " + name + ": ")
	if err != nil {
		return err
	}
	if err := c.db.SetPassword(ctx, name, password); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "The password of %s is another now. Sessions go on: scarab sessions revoke-user ends them.\n", name)
	c.advise(password)
	return nil
}

func (c *userCommand) remove(ctx context.Context, name string) error {
	if err := c.db.RemoveUser(ctx, name); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "Removed %s. What sessions there are can do nothing any more.\n", name)
	return err
}

func (c *userCommand) grant(ctx context.Context, name string) error {
	if err := c.db.SetGrants(ctx, state.User{Name: name, Admin: c.admin, Grants: c.grants()}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "From the next request on, %s may do: %s.\n", name, may(c.admin, c.grants()))
	return err
}

func (c *userCommand) list(ctx context.Context, _ string) error {
	users, err := c.db.Users(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSINCE\tMAY")
	for _, u := range users {
		fmt.Fprintf(w, "%s\t%s\t%s\n", u.Name, u.Created.Format("2006-01-02"), may(u.Admin, u.Grants))
	}
	return w.Flush()
}

// may writes what someone may do.
func may(admin bool, grants map[string]state.Permission) string {
	if admin {
		return "everything"
	}
	var list []string
	for target, p := range grants {
		list = append(list, p.String()+" "+target)
	}
	slices.Sort(list)
	if list == nil {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// readPassword asks at the terminal, or takes the first line of what is piped
// in.
func (c *userCommand) readPassword(prompt string) (string, error) {
	if f, ok := c.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(c.err, prompt)
		b, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(c.err)
		return string(b), err
	}
	line, err := bufio.NewReader(io.LimitReader(c.in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", &usageError{"no password came in", "type it at the terminal, or pipe it in as one line"}
	}
	return line, nil
}
