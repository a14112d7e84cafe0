package scarab

import (
	"context"
	"encoding/json"
	"strconv"
	"time"
)

// A Backend loads and commits the state of sessions. [Stored] and [InCookie]
// make the two that most applications need; one's own Backend is for formats
// that prescribe both the cookie and the store, as Pyramid's do.
//
// Methods may be called by any number of goroutines.
type Backend interface {
	// Load returns the state that the cookie's value stands for. An error
	// that matches ErrNoSession means a value that is forged, expired,
	// unknown or malformed; text after "scarab: no session: " is the reason
	// in events. ErrSuperseded means a token that was renewed away less than
	// a minute ago. Every other error means that the backend failed.
	Load(ctx context.Context, now time.Time, name, value string) (*State, error)

	// Commit carries out op and returns the cookie's value from now on, which
	// is sent if it differs from old, the value that came in. It completes
	// st: the handle at Create, the version at Create, Save and Renew.
	//
	//	Create  a state that is not kept yet
	//	Save    replaces version st.Version
	//	Renew   as Save, and old is worth nothing afterwards. If another
	//	        request has renewed it meanwhile, that renewal is kept and
	//	        the value returned is old, unless st.AuthTime is new
	//	Touch   st.Seen is now; nothing else has changed
	//	Delete  the state is gone; the value returned does not matter
	//
	// Save and Renew report another version with a *ConflictError[State] that
	// carries the current state, and a state that is gone with ErrNoSession;
	// they never create.
	Commit(ctx context.Context, now time.Time, name, old string, op Op, st *State) (value string, err error)
}

// An Op is what a [Backend] is to commit.
type Op uint8

// What a commit can do; see [Backend].
const (
	Create Op = iota + 1
	Save
	Renew
	Touch
	Delete
)

// String returns the name of op, such as "save".
func (op Op) String() string {
	names := [...]string{"none", "create", "save", "renew", "touch", "delete"}
	if int(op) < len(names) {
		return names[op]
	}
	return "Op(" + strconv.Itoa(int(op)) + ")"
}

// A State is what a session is between requests.
//
// An Idle of zero means the factory's IdleTimeout; a zero Expires means that
// the session expires when it was not used for longer than Idle.
type State struct {
	Version                  uint64
	Handle, Principal, Label string

	Created, AuthTime, Seen, Expires, Deadline time.Time

	Idle    time.Duration
	Values  []Value // in the order they were added
	Private any     // the backend's own, such as the pickle a value came from

	persistent persistence
	packed     bool // Values and Handle are empty: lazy has the values, Private the handle
	patched    bool // lazy is this state's own
	renewed    bool // Create: the token that was adopted opens nothing any more
	unbound    bool // made by Pyramid: it has no deadline until we write it
	numbers    []queueNumbers
	lazy       []byte   // a record's data, of which the numbers, or nothing, were read yet
	room       *kept    // room for what Stored has to know
	commit     [16]byte // the same for every attempt of one commit
}

// A Value is one entry of the dictionary, encoded. The JSON may hold the words
// NaN, Infinity and -Infinity, which Python writes. States share its bytes:
// replace them, but do not change them in place.
type Value struct {
	Key  string
	JSON json.RawMessage

	python *byte // where JSON starts, if it is valid, and spelled as Python does
}

// persistence says whether the cookie outlives the browser: 0 as the factory's
// Config says.
type persistence uint8

const (
	persistConfig persistence = iota
	persistYes
	persistNo
)

// queueNumbers are the sequence numbers of the messages in the queue at key:
// for each message the version of the session that first had it, 0 for the
// version that is being made. They let a Pop that is applied again tell the
// messages it saw from equal ones that came later.
type queueNumbers struct {
	key     string
	numbers []uint64
}
