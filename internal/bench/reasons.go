package main

import (
	"fmt"
	"strings"
)

// reasons says of each target that this run does not meet, and whose cost has
// been looked into, what is left and why it stays. The shares are of profiles
// (-profile); what depends on the machine is of this run.
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
		b.WriteString(strings.TrimSpace(fmt.Sprintf("* **%s.** %s %s", t.work, why, t.hand)) + "\n")
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
	whyMemory = "No step stands out any more. Of a request, a quarter is allocating and collecting (the copy of the request that a context takes, " +
		"context and writer, the session, the record's bytes, and for a write the change, the new bytes and the function of Update), a twelfth the hash of the secret, " +
		"a fourteenth the store, a twentieth each the clock and base64; the rest is the states, locks and checks that merge changes, keep what ended ended, " +
		"and answer before a byte is sent, which the handler by hand has not."

	whySigned = "The format is Pyramid's: HMAC-SHA-512 twice takes a fifth, base64 an eighth, its JSON with times as text, read and written as Python spells it, a fifth, " +
		"and a quarter is allocating and collecting. The handler by hand writes bytes of its own, which Pyramid cannot read."

	whySealed = "Each cookie has a key of its own, so that no number of cookies wears a key out and none opens under two keys: deriving it, AES' key schedule and GCM's " +
		"table, twice for a request, are a sixth, which the handler by hand, with one key for all, does not have. The payload, Pyramid's JSON both ways, is a fifth, base64 an eighth, " +
		"and a third is allocating and collecting."

	whyCSRF = "The token is in the session, so that a login changes it; both requests load the session from memory, and gorilla/csrf has a cookie of its own instead."

	whyRedis = "Redis and its clients share the two cores, so that a request costs what both spend on it: the tables below have either's CPU time. " +
		"scarab's is about twice that of the handler by hand on both sides. There, a script reads the record, tells whether it is live and touches it when that is due, " +
		"or compares versions and writes; here, its arguments go out and a whole record comes back. A plain GET and SET would lose changes, and need another round trip for the timeout."

	whyPostgres = "One prepared statement to read and one to save; the server's work is that of every peer. database/sql is a tenth of a request, " +
		"which scs saves by using pgx directly: the price of taking any driver."

	whyWire = "It is the cost in the process, as above, beside a bare handler that costs little more than its system calls."

	whyCollection = "No session has a pointer for the collector to follow; what is left is its start and end and what the process has besides."

	whySQLite = "A commit is mostly the driver, which is SQLite in Go."
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
