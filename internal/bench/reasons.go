package main

import (
	"fmt"
	"slices"
	"strings"
)

// reasons says of each target that this run does not meet what it is spent on,
// by the profiles of the run, and why that stays.
func (r *Results) reasons() string {
	var b strings.Builder
	said := ""
	for _, t := range r.targets() {
		if t.why == "" || t.met() {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("Why not:\n\n")
		}
		why := t.why
		if why == said {
			why = "Likewise."
		}
		parts := []string{why, t.hand}
		for _, title := range t.spends {
			spent := r.spent(title)
			if len(t.spends) > 1 && spent != "" {
				spent = "The " + title + ": " + spent
			}
			parts = append(parts, spent)
		}
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		fmt.Fprintf(&b, "* **%s.** %s\n", t.work, strings.Join(parts, " "))
		said = t.why
	}
	return b.String()
}

func (t target) met() bool {
	for _, g := range t.goals {
		if g.measured() && !g.met() {
			return false
		}
	}
	return true
}

// byHand says how far the handler by hand is from a peer.
func byHand(limit, peer *Fact, name string) string {
	return "By hand it is " + ratioOf(Ratio(limit, peer), name) + "."
}

func ratioOf(ratio float64, name string) string {
	if ratio != ratio {
		return "not measured"
	}
	return partOf(name)(ratio)
}

const (
	whyMemory = "What the session itself does beyond the handler by hand: it takes its locks, since goroutines of a request may share it; it looks for several cookies " +
		"of one name, which someone may have planted; it records changes to apply them again after another request's, and commits before a byte is sent. It looks at " +
		"the clock when it loads and when it commits, for requests that take long. A read allocates the copy of the request that a context takes, context and writer, the session, " +
		"and the record; a write also the change and what it needs to be applied again, the new value, and the new record."

	whySigned = "HMAC-SHA-512 and base64, twice each, are the same by hand. By hand the payload is written for one reader; " +
		"here its JSON may be anybody's: it is checked, bounded, and copied only where Python would spell it the same. What Pyramid has no word for, such as the deadline, is in it too."

	whySealed = "Each cookie has a key of its own, so that no number of cookies wears a key out and none opens under two keys: deriving it, AES' key schedule and GCM's " +
		"table, twice for a request, which the handler by hand, with one key for all, does not have. They are also a third of the bytes allocated (by -profile), which crypto/cipher has no way to use again. " +
		"The payload is JSON as in a signed cookie, so that one can change to the other, and look into it."

	whyCSRF = "The token is in the session, so that a login changes it; both requests load the session from memory, and gorilla/csrf has a cookie of its own instead."

	whyRedisRead = "Redis and its clients share the two cores, so that a request costs what both spend on it: the tables below have either's processor time. " +
		"A request is one GET, as by hand, but with a deadline, which is a timer and a channel to wait for: a store that hangs does not hang the request. " +
		"By hand there is none; in scs the client sets one for the connection, of which it takes one for each request."

	whyRedisWrite = "Redis and its clients share the two cores, so that a request costs what both spend on it: the tables below have either's processor time. " +
		"It is one GET and one script that compares versions before it writes; a SET would lose changes. A script that does nothing costs Redis six times a GET " +
		"(300 000 of each, one after the other: 4.4 µs and 0.7 µs)."

	whyPostgresRead = "One prepared statement by the primary key, as by hand. It reads all that a session has, where scs reads the data, and the handler by hand secret, version and data: " +
		"a quarter more of the server's processor (pgbench, 4 clients: 25 µs and 20 µs a statement)."

	whyPostgresWrite = "One statement to read and one to write, which compares the version, as by hand, and writes all that a session has: 16 arguments for by hand's 4, which costs the server 63 µs and 52 µs " +
		"(processor time of one connection's statement, synchronous_commit=off, the best of six times 8 000). With all that seldom changes in one column it was 55 µs, but in such a table an operator can read nothing. " +
		"Both statements have a deadline, which is a timer; by hand and in scs there is none. Commits wait for the disk, with all libraries."

	whyWire = "It is the cost in the process, for the same reasons as there, and that of a longer header to read and to write: a cookie comes, and Cache-Control, Vary and Set-Cookie go. " +
		"The bare handler costs little more than its system calls. On one core the collector takes its time from the requests, so that what is allocated counts most. " +
		"On Redis a request has two deadlines, each a timer and a channel, since a store that hangs would hang the request; and two commands, whose system calls several requests share in `scarab/redis batched`, " +
		"and seldom do in `scarab/redis`."

	whyCollection = "No session has a pointer for the collector to follow; what is left is its start and end and what the process has besides."

	whySQLite = "A commit is mostly the driver, which is SQLite in Go, and the file. By hand, two columns of a row are set whatever was there; a store compares version and principal, and sets twelve."
)

// csrfByHand compares without the sessions, too.
func (r *Results) csrfByHand(both func(string) *Fact) string {
	alone := func(library string) *Fact {
		return less(both(library), r.Find("process", library, "read S"))
	}
	return fmt.Sprintf("Without the two loads scarab is %s, and the handler by hand %s; with them the handler by hand is %s.",
		ratioOf(Ratio(alone("scarab/csrf"), both("gorilla/csrf")), "gorilla/csrf"),
		ratioOf(Ratio(alone("limit/csrf"), both("gorilla/csrf")), "it"),
		ratioOf(Ratio(both("limit/csrf"), both("gorilla/csrf")), "it"))
}

// less takes a fact off another twice: two requests, each with the session that
// f is the cost of.
func less(both, f *Fact) *Fact {
	if both == nil || f == nil || len(both.Passes) != len(f.Passes) {
		return nil
	}
	rest := *both
	rest.Passes = make([]float64, len(f.Passes))
	for i := range f.Passes {
		rest.Passes[i] = max(0, both.Passes[i]-2*f.Passes[i])
	}
	return &rest
}
