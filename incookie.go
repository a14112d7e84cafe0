package scarab

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Codec turns bytes into the value of the cookie called name, and back. It is
// what someone writes who has a cookie format of one's own; pass it to
// [InCookie]. Values must not be forgeable: nothing else vouches for a session
// that travels in a cookie.
//
// Methods may be called by any number of goroutines.
type Codec interface {
	// Encode returns the value for a payload, which it must not keep: the
	// bytes are another request's when it has returned.
	Encode(name string, payload []byte) (value string, err error)

	// Decode returns the payload of a value that Encode made for this name.
	// Any error means that there is no session. The reason in events is
	// "forged", or that of an error that matches ErrNoSession; see
	// [Backend.Load].
	Decode(name, value string) (payload []byte, err error)
}

// InCookie returns a [Backend] that keeps the state in the cookie itself: no
// store, no round trip, and the limits of that. The last Set-Cookie wins when
// requests overlap; a value has at most 4064 characters; and a copied cookie
// works until it expires, also after a logout, unless there is a [DenyList].
//
// The payload is Pyramid's, [renewed, created, {…}], as Python writes JSON. With
// cookiecodec.Signed, cookies are those of SignedCookieSessionFactory of Pyramid
// 2, and either side reads the other's. What Pyramid has no word for (deadline,
// principal, timeouts) is under the key _scarab_, which the dictionary does not
// show; with Lifetime: Never and none of it there is no such key.
func InCookie(c Codec, opts ...CookieOption) Backend {
	b := &inCookie{codec: c, cfg: &unconfigured}
	for _, opt := range opts {
		opt(b)
	}
	return b
}

// A CookieOption is an option of [InCookie].
type CookieOption func(*inCookie)

// DenyList makes logouts last: a record of what Invalidate, Renew, Login and
// Revoke end is kept in s until its cookies have reached their deadline, for at
// least a Lifetime and at most 400 days. It costs a read from s for each session
// opened, and another for each one saved. While s fails, no session is opened.
//
// With a deny list, changes of requests that overlap are still not merged: the
// last Set-Cookie wins.
//
// Source: OWASP ASVS 5.0, 7.4.1.
func DenyList(s Store) CookieOption { return func(b *inCookie) { b.denied = s } }

type inCookie struct {
	codec  Codec
	denied Store // nil if there is none
	cfg    *Config
}

const (
	// maxCookieValue is Pyramid's limit.
	maxCookieValue = 4064

	// maxAhead is how far a cookie's time may be ahead of this clock.
	maxAhead = 60 * time.Second
)

func (b *inCookie) configured(cfg *Config) (Backend, string) {
	if b.codec == nil {
		return b, "InCookie needs a Codec, such as cookiecodec.NewSealed makes"
	}
	next := *b
	next.cfg = cfg
	return &next, ""
}

// Load implements Backend.
func (b *inCookie) Load(ctx context.Context, now time.Time, name, value string) (*State, error) {
	st := new(storedState)
	if err := b.loadInto(ctx, now, name, value, st); err != nil {
		return nil, err
	}
	return &st.State, nil
}

// loadInto implements frugal.
func (b *inCookie) loadInto(ctx context.Context, now time.Time, name, value string, room *storedState) error {
	payload, err := b.codec.Decode(name, value)
	switch {
	case errors.Is(err, ErrNoSession):
		return err
	case err != nil:
		return reject("forged")
	}
	st := &room.State
	if err := st.parsePayload(payload); err != nil {
		return err
	}
	if st.Seen.After(now.Add(maxAhead)) {
		return reject("from the future")
	}
	if b.denied != nil {
		from := b.from(st, cookieHandle(name, value))
		switch superseded, err := b.allowed(ctx, now, from.handle); {
		case superseded:
			return ErrSuperseded
		case err != nil:
			return err
		}
		st.Private = from
	}
	return nil
}

// Commit implements Backend.
func (b *inCookie) Commit(ctx context.Context, now time.Time, name, old string, op Op, st *State) (string, error) {
	if b.denied != nil {
		return b.commitListed(ctx, now, name, op, st)
	}
	st.Handle = ""
	if op == Delete {
		return "", nil
	}
	return b.encode(now, name, st)
}

// buffers are for payloads that are being encoded, as *[]byte.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// encode makes the cookie's value.
func (b *inCookie) encode(now time.Time, name string, st *State) (string, error) {
	if st.unbound {
		st.Deadline, st.unbound = deadline(now, b.cfg.Lifetime), false
	}
	st.Seen = now
	room := buffers.Get().(*[]byte)
	defer buffers.Put(room)
	payload, err := b.appendPayload((*room)[:0], st)
	if err != nil {
		return "", err
	}
	if cap(payload) <= 2*maxCookie { // more does not fit into a cookie
		*room = payload
	}
	value, err := b.codec.Encode(name, payload)
	if err != nil {
		return "", err
	}
	if limit := min(maxCookieValue, maxCookie-len(name)); len(value) > limit {
		return "", st.tooLarge(len(value), limit)
	}
	return value, nil
}

// appendPayload appends the bytes that the codec protects.
func (b *inCookie) appendPayload(p []byte, st *State) ([]byte, error) {
	p = append(p, '[')
	p = strconv.AppendInt(p, st.Seen.Unix(), 10)
	p = append(p, ", "...)
	p = appendPythonTime(p, st.Created)
	p = append(p, ", {"...)
	for i, v := range st.Values {
		if i > 0 {
			p = append(p, ", "...)
		}
		p = append(appendPythonString(p, v.Key), ": "...)
		if len(v.JSON) > 0 && v.python == &v.JSON[0] {
			p = append(p, v.JSON...)
			continue
		}
		var err error
		if p, err = appendPython(p, v.JSON); err != nil {
			return nil, fmt.Errorf("scarab: the value at key %q: %w", v.Key, err)
		}
	}
	return append(b.appendReserved(p, st), "}]"...), nil
}

// appendReserved appends what Pyramid has no word for, if there is any.
func (b *inCookie) appendReserved(p []byte, st *State) []byte {
	start := len(p)
	if len(st.Values) > 0 {
		p = append(p, ", "...)
	}
	p = append(p, `"`+reservedKey+`": {`...)
	empty := len(p)
	field := func(name string) {
		if len(p) > empty {
			p = append(p, ", "...)
		}
		p = append(append(append(p, '"'), name...), `": `...)
	}
	if !st.Deadline.IsZero() {
		field("deadline")
		p = appendPythonTime(p, st.Deadline)
	} else if b.cfg.Lifetime != Never {
		field("deadline")
		p = append(p, "null"...)
	}
	for _, f := range [...]struct{ name, value string }{{"principal", st.Principal}, {"label", st.Label}, {"handle", st.Handle}} {
		if f.value != "" {
			field(f.name)
			p = appendPythonString(p, f.value)
		}
	}
	if !st.AuthTime.IsZero() {
		field("auth_time")
		p = appendPythonTime(p, st.AuthTime)
	}
	if st.Idle != 0 && st.Idle != b.cfg.IdleTimeout {
		field("idle")
		if st.Idle == Never {
			p = append(p, "null"...)
		} else {
			p = appendPythonFloat(p, st.Idle.Seconds())
		}
	}
	if st.persistent != persistConfig {
		field("persistent")
		p = strconv.AppendBool(p, st.persistent == persistYes)
	}
	if len(p) == empty {
		return p[:start]
	}
	return append(p, '}')
}

var errPayload = reject("malformed")

// parsePayload makes st what a payload says, read as leniently as Pyramid does,
// where that does no harm: times may be text, the dictionary a list of pairs.
func (st *State) parsePayload(payload []byte) error {
	*st = State{unbound: true}
	p := scanner{b: payload}
	var ok1, ok2 bool
	if !p.next('[') {
		return errPayload
	}
	if raw, err := p.value(maxDepth); err != nil || !p.next(',') {
		return errPayload
	} else if st.Seen, ok1 = pythonTime(raw); !ok1 {
		return errPayload
	}
	if raw, err := p.value(maxDepth); err != nil || !p.next(',') {
		return errPayload
	} else if st.Created, ok2 = pythonTime(raw); !ok2 {
		return errPayload
	}
	if err := st.parseDict(&p); err != nil || !p.next(']') {
		return errPayload
	}
	if p.space(); p.i != len(payload) {
		return errPayload
	}
	return nil
}

// parseDict reads an object, or a list of pairs, whose keys are strings.
func (st *State) parseDict(p *scanner) error {
	p.space()
	if p.i >= len(p.b) || p.b[p.i] != '{' && p.b[p.i] != '[' {
		return errPayload
	}
	var keys strings.Builder // all of them, in one allocation if they are short
	keys.Grow(128)
	open := p.b[p.i]
	st.Values = make([]Value, 0, 8) // a session has few keys; more make more room
	return p.container(open, func() error {
		if open == '[' && !p.next('[') {
			return errPayload
		}
		quoted, err := p.quoted()
		if err != nil {
			return err
		}
		start := keys.Len()
		keys.Write(quoted[1 : len(quoted)-1])
		key := keys.String()[start:]
		if strings.IndexByte(key, '\\') >= 0 {
			key = unquote(quoted)
		}
		if open == '{' && !p.next(':') || open == '[' && !p.next(',') {
			return errPayload
		}
		p.space()
		p.odd = false
		raw, err := p.value(maxDepth)
		asPython := !p.odd
		if err != nil || open == '[' && !p.next(']') {
			return errPayload
		}
		if key == reservedKey {
			return st.parseReserved(raw)
		}
		v := st.put(key, raw)
		if asPython {
			v.python = &raw[0]
		}
		return nil
	})
}

func (st *State) parseReserved(raw json.RawMessage) error {
	st.unbound = false
	return members(raw, func(name []byte, raw json.RawMessage) error {
		null := string(raw) == "null"
		ok := true
		switch string(name) {
		case "deadline":
			if !null {
				st.Deadline, ok = pythonTime(raw)
				st.Deadline = st.Deadline.Round(time.Microsecond)
			}
		case "auth_time":
			st.AuthTime, ok = pythonTime(raw)
			st.AuthTime = st.AuthTime.Round(time.Microsecond)
		case "principal":
			st.Principal, ok = decodeText(raw)
		case "label":
			st.Label, ok = decodeText(raw)
		case "handle":
			st.Handle, ok = decodeText(raw)
		case "idle":
			if null {
				st.Idle = Never
				break
			}
			seconds, err := strconv.ParseFloat(string(raw), 64)
			if st.Idle = time.Duration(seconds * float64(time.Second)); err != nil || st.Idle <= 0 {
				return errPayload
			}
		case "persistent":
			st.persistent = persistNo
			if string(raw) == "true" {
				st.persistent = persistYes
			}
		}
		if !ok {
			return errPayload
		}
		return nil
	})
}

func decodeText(raw json.RawMessage) (text string, ok bool) {
	v, err := decode(raw)
	text, ok = v.(string)
	return text, ok && err == nil
}

func cookieHandle(name, value string) (h Handle) {
	sum := sha256.Sum256(fmt.Appendf(nil, "scarab cookie\x00%d\x00%s\x00%s", len(name), name, value))
	copy(h[:], sum[:])
	return h
}
