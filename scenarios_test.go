package scarab_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

type scenario struct {
	ID, Desc string
	Options  struct {
		Timeout        json.RawMessage
		ReissueTime    json.RawMessage `json:"reissue_time"`
		SetOnException *bool           `json:"set_on_exception"`
	}
	Steps []scenarioStep
}

type scenarioStep struct {
	Time         json.RawMessage
	Ops          [][]json.RawMessage
	CookieHeader string `json:"cookie_header"`
	Exception    bool
	Results      []json.RawMessage
	Attributes   struct {
		New            bool
		Created, State json.RawMessage
	}
	SetCookie     string `json:"set_cookie"`
	ResponseError string `json:"response_error"`
}

// Whole dialogues with Pyramid's SignedCookieSessionFactory give the same
// results, states and cookies here, byte for byte; where they do not, the list
// says from which request on, and why.
func TestScenarios(t *testing.T) {
	differ := map[string]struct {
		step   int
		reason string
	}{
		"attributes-do-not-count":        {1, "to open a session is to use it: From extends it"},
		"reissue-none":                   {4, expiredIsNew},
		"sliding":                        {4, expiredIsNew},
		"expired":                        {1, expiredIsNew},
		"numeric-options":                {2, expiredIsNew},
		"changed-only":                   {1, "Changed stores what has changed, and nothing has"},
		"changed-only-new":               {0, "Changed stores what has changed, and nothing has"},
		"nested-lost":                    {1, "what Edit changed is saved; a slice has no other way to grow in place"},
		"invalidate":                     {1, invalidateEnds},
		"invalidate-then-use":            {1, invalidateEnds},
		"invalidate-new":                 {0, invalidateEnds},
		"csrf-after-invalidate":          {1, invalidateEnds},
		"failed-delete-counts":           {1, "what removes nothing stores nothing"},
		"pop-flash-empty-counts":         {1, "what removes nothing stores nothing"},
		"flash-structured":               {0, "messages are equal if their JSON is: 1, 1.0 and true are three"},
		"csrf-falsy-token":               {0, "an empty token protects nothing: it is replaced"},
		"repr-and-equality-do-not-count": {1, "to open a session is to use it: From extends it"},
		"exception-off":                  {1, "the changes are dropped, and the session was used all the same: that extends it"},
	}
	none := map[string]string{
		"reissue-longer-than-timeout": "New refuses it: a session in use would end",
		"or-update-not-seen":          "there is no way to change a session unseen",
	}
	var file struct{ Vectors []scenario }
	readVectors(t, "session_scenarios.json", &file)
	if len(file.Vectors) < 30 {
		t.Errorf("only %d scenarios", len(file.Vectors))
	}
	seen := map[string]bool{}
	for _, sc := range file.Vectors {
		seen[sc.ID] = true
		if none[sc.ID] != "" {
			continue
		}
		t.Run(sc.ID, func(t *testing.T) {
			d, listed := differ[sc.ID]
			for i, diff := range sc.run(t) {
				switch {
				case listed && i > d.step: // its own cookies from here on
				case listed && i == d.step:
					if diff == "" {
						t.Errorf("request %d is as in Pyramid: take it off the list (%s)", i, d.reason)
					}
				case diff != "":
					t.Errorf("request %d: %s", i, diff)
				}
			}
		})
	}
	for _, id := range slices.AppendSeq(slices.Collect(maps.Keys(differ)), maps.Keys(none)) {
		if !seen[id] {
			t.Errorf("there is no scenario %s", id)
		}
	}
}

const (
	expiredIsNew   = "an expired session is a new one; in Pyramid it is old, empty, and has its old time of creation"
	invalidateEnds = "Invalidate ends the session and clears the cookie; in Pyramid it empties it"
)

// run plays the scenario and returns for each request how it differs.
func (sc *scenario) run(t *testing.T) (diffs []string) {
	cfg := pyramids(nil)
	cfg.IdleTimeout = pySeconds(t, sc.Options.Timeout, 1200*time.Second)
	cfg.TouchInterval = pySeconds(t, sc.Options.ReissueTime, 1)
	cfg.DropOnError = sc.Options.SetOnException != nil && !*sc.Options.SetOnException
	var now time.Time
	cfg.Clock = func() time.Time { return now }
	site := newSiteOn(t, scarab.InCookie(signedCodec(t)), cfg)
	b := site.browser()
	for _, step := range sc.Steps {
		now = pyTime(t, step.Time)
		diffs = append(diffs, step.play(t, b))
	}
	return diffs
}

func pySeconds(t *testing.T, raw json.RawMessage, preset time.Duration) time.Duration {
	switch v := value(t, append(json.RawMessage{}, orNull(raw)...)).(type) {
	case int64:
		return time.Duration(v) * time.Second
	case string:
		d, err := time.ParseDuration(v + "s")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if raw == nil {
		return preset
	}
	return scarab.Never // None
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

// play sends one request and returns how it differs from Pyramid's.
func (step *scenarioStep) play(t *testing.T, b *browser) string {
	var diff strings.Builder
	differs := func(what string, got, want any) {
		if got != want {
			fmt.Fprintf(&diff, "\n%s\n     here %v\n  Pyramid %v", what, got, want)
		}
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if step.Ops != nil {
			s, err := scarab.From(r.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i, op := range step.Ops {
				got := perform(t, s, op, step.Results[i])
				want := describe(result(t, step.Results[i]))
				differs(fmt.Sprintf("%s", op), describe(got), want)
			}
			differs("new", s.IsNew(), step.Attributes.New)
			differs("created", s.Created(), pyTime(t, step.Attributes.Created))
			if step.ResponseError == "" {
				differs("state", describe(maps.Collect(s.All())), describe(value(t, step.Attributes.State)))
			}
		}
		if step.Exception {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	var edits []func(*http.Request)
	if step.CookieHeader != "" {
		edits = append(edits, header("Cookie", step.CookieHeader))
	}
	a := b.ask(handler, edits...)
	switch step.ResponseError {
	case "":
		differs("failed", a.failures != nil, false)
	case "ValueError": // too long
		differs("ErrTooLarge", len(a.failures) == 1 && errors.Is(a.failures[0], scarab.ErrTooLarge), true)
	default:
		differs("failed", len(a.failures), 1)
	}
	want := ""
	if step.SetCookie != "" {
		want = attributes(step.SetCookie)["value"]
	}
	got := ""
	for _, line := range a.set {
		got = attributes(line)["value"] + strings.Repeat(" (cleared)", strings.Count(line, "Max-Age=0"))
	}
	differs("cookie", got, want)
	return diff.String()
}

// errKey stands for Python's KeyError.
var errKey = map[string]any{"$raises": "KeyError"}

func result(t *testing.T, raw json.RawMessage) any {
	if strings.Contains(string(raw), `"$raises"`) {
		return errKey
	}
	return value(t, raw)
}

// perform does what op says with s. It returns what Pyramid's session would.
func perform(t *testing.T, s *scarab.Session, op []json.RawMessage, want json.RawMessage) any {
	t.Helper()
	arg := func(i int) any {
		if i < len(op) {
			return value(t, op[i])
		}
		return nil
	}
	text := func(i int) string { v, _ := arg(i).(string); return v }
	encoded := func(i int) json.RawMessage { return plainJSON(t, op[i]) }
	queue := func(i int) scarab.Queue[any] { return scarab.Queue[any](text(i)) }
	messages := func(list []any) any { // numbers as Get returns them
		b, err := json.Marshal(append([]any{}, list...))
		if err != nil {
			t.Fatal(err)
		}
		return value(t, b)
	}
	switch name := text(0); name {
	case "touch":
	case "__repr__", "__eq__": // there is nothing like it
		return result(t, want)
	case "attr":
		return map[string]any{"new": s.IsNew(), "created": float64(s.Created().UnixMicro()) / 1e6}[text(1)]
	case "get":
		if v, ok := s.Lookup(text(1)); ok {
			return v
		}
		return arg(2)
	case "getitem":
		if v, ok := s.Lookup(text(1)); ok {
			return v
		}
		return errKey
	case "contains":
		return s.Has(text(1))
	case "len":
		return int64(s.Len())
	case "bool":
		return s.Len() > 0
	case "keys", "iter", "values", "items", "copy":
		keys, list, items := []any{}, []any{}, []any{}
		for key, v := range s.All() {
			keys, list, items = append(keys, key), append(list, v), append(items, []any{key, v})
		}
		return map[string]any{"keys": keys, "iter": keys, "values": list, "items": items, "copy": maps.Collect(s.All())}[name]
	case "set":
		s.Set(text(1), encoded(2))
	case "set_python_set":
		s.Set(text(1), func() {})
	case "update":
		for key, v := range dict(t, op[1]) {
			s.Set(key, plainJSON(t, v))
		}
	case "setdefault":
		return s.SetDefault(text(1), encoded(2))
	case "del":
		if !s.Has(text(1)) {
			s.Delete(text(1))
			return errKey
		}
		s.Delete(text(1))
	case "pop":
		if v, ok := s.Pop(text(1)); ok {
			return v
		} else if len(op) < 3 {
			return errKey
		}
		return arg(2)
	case "popitem":
		if key, v, ok := s.PopItem(); ok {
			return []any{key, v}
		}
		return errKey
	case "clear":
		s.Clear()
	case "changed":
		s.Changed()
	case "nested_append", "silent_nested_append": // a slice does not grow in place
		list := scarab.Key[[]json.RawMessage](text(1)).Edit(s)
		*list = append(*list, encoded(2))
	case "invalidate":
		s.Invalidate()
	case "flash":
		if len(op) > 3 && arg(3) == false {
			scarab.Queue[json.RawMessage](text(2)).PushUnique(s, encoded(1))
		} else {
			scarab.Queue[json.RawMessage](text(2)).Push(s, encoded(1))
		}
	case "pop_flash":
		return messages(queue(1).Pop(s))
	case "peek_flash":
		return messages(queue(1).Peek(s))
	case "get_csrf_token", "new_csrf_token":
		old, _ := s.Lookup("_csrft_")
		token := s.CSRFToken()
		if name == "new_csrf_token" {
			token = s.NewCSRFToken()
		}
		if token != old { // a new one: random, so take Pyramid's
			if len(token) != 40 {
				t.Errorf("token %s", token)
			}
			s.Set("_csrft_", want)
		}
		return s.CSRFToken()
	default:
		t.Fatalf("unknown operation %s", name)
	}
	return nil
}
