// Command scarab shows sessions working, and looks after them.
//
//	scarab serve      an administration interface over an SQL database
//	scarab keygen     a key for a cookie codec
//	scarab inspect    what a session cookie says, and whether it is accepted
//	scarab sessions   list and end the sessions in a store
//	scarab user       who may log in to serve
//	scarab migrate    copy running sessions from one store to another
//
// "scarab help COMMAND" tells the rest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// Streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// A command is one of scarab's.
type command struct {
	name    string
	args    string // behind the flags
	summary string
	setup   func(*flag.FlagSet) func(ctx context.Context, s streams, args []string) error
}

var commands = []command{
	{"serve", "", "start the administration interface over a database", serve},
	{"keygen", "", "print a new key for a cookie codec", keygen},
	{"inspect", "[COOKIE | -]", "tell what a session cookie says; exit 1 if it is not accepted", inspect},
	{"sessions", "list | show HANDLE | revoke HANDLE | revoke-user NAME | sweep", "list and end the sessions in a store", operate},
	{"user", "add NAME | list | password NAME | remove NAME | grant NAME", "say who may log in to serve, and who may do what there", user},
	{"migrate", "", "copy running sessions from one store to another", migrate},
}

// Exit codes.
const (
	exitFailed = 1 // it did not work; for inspect: the cookie is rejected
	exitUsage  = 2 // the command line is wrong
)

// run carries out a command line and returns the exit code.
func run(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 {
		usage(s.err)
		return exitUsage
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		if len(args) > 1 {
			args = []string{args[1], "--help"}
		} else {
			usage(s.out)
			return 0
		}
	}
	for _, c := range commands {
		if c.name == args[0] {
			return report(c.run(ctx, args[1:], s), s)
		}
	}
	return report(&usageError{fmt.Sprintf("there is no command %q", args[0]), "the commands are " + names()}, s)
}

func (c command) run(ctx context.Context, args []string, s streams) error {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	do := c.setup(flags)
	rest, err := parse(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(s.out, "usage: scarab %s [flags] %s\n\n%s.\n\n", c.name, c.args, strings.ToUpper(c.summary[:1])+c.summary[1:])
		flags.SetOutput(s.out)
		flags.PrintDefaults()
		return nil
	}
	if err != nil {
		return &usageError{err.Error(), "see scarab help " + c.name}
	}
	if c.args == "" && len(rest) > 0 {
		return &usageError{fmt.Sprintf("unexpected argument %q", rest[0]), "see scarab help " + c.name}
	}
	return do(ctx, s, rest)
}

// parse lets flags stand behind arguments too, and takes long words that begin
// with a hyphen for arguments: cookies may begin so.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for len(args) > 0 {
		first := args[0]
		name, _, _ := strings.Cut(strings.TrimLeft(first, "-"), "=")
		switch {
		case first == "--":
			return append(rest, args[1:]...), nil
		case len(first) > 40 && flags.Lookup(name) == nil, first == "-", !strings.HasPrefix(first, "-"):
			rest, args = append(rest, first), args[1:]
			continue
		}
		// Parse stops at the first argument that is no flag, which may be a
		// cookie: it gets one flag at a time.
		n := 1
		if f := flags.Lookup(name); f != nil && !strings.Contains(first, "=") && !isBool(f) {
			n = min(2, len(args))
		}
		if err := flags.Parse(args[:n]); err != nil {
			return nil, err
		}
		args = args[n:]
	}
	return rest, nil
}

func isBool(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "scarab: sessions for Go web applications, and a command to look after them")
	fmt.Fprintln(w)
	for _, c := range commands {
		fmt.Fprintf(w, "  scarab %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, `"scarab help COMMAND" shows its flags.`)
}

func names() string {
	var list []string
	for _, c := range commands {
		list = append(list, c.name)
	}
	return strings.Join(list, ", ")
}

// A usageError is a mistake in the command line.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

// A hintedError says what to do about it.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }

// errRejected ends inspect, which has said why on standard output.
var errRejected = errors.New("the cookie is rejected")

// report prints an error and returns the exit code.
func report(err error, s streams) int {
	var usage *usageError
	var hinted *hintedError
	switch {
	case err == nil:
		return 0
	case err == errRejected:
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(s.err, "scarab: %s\nhint: %s\n", usage.text, usage.hint)
		return exitUsage
	case errors.As(err, &hinted):
		fmt.Fprintf(s.err, "scarab: %v\nhint: %s\n", err, hinted.hint)
	default:
		fmt.Fprintf(s.err, "scarab: %v\n", err)
	}
	return exitFailed
}
