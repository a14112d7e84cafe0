package pyramid

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
)

// A scenarioStep is one request of a scenario, as the original answered it.
type scenarioStep struct {
	Time      json.RawMessage
	Ops       json.RawMessage
	Cookie    string
	Exception bool
	Results   []json.RawMessage
	Error     string

	Attributes struct {
		New     *bool
		Created json.RawMessage
	}
	SetCookie []string `json:"set_cookie"`
	Keys      []struct {
		redisKey
		Session json.RawMessage
	}
	Stored []json.RawMessage // type=cookie: the sessions in the cookies that were set
}

// A player plays a scenario and notes how each request differs.
type player struct {
	t       *testing.T
	id      string
	a       *app
	client  rueidis.Client // nil: type=cookie
	cookies map[string]string
	stored  func(value any) string // what is in a value of the store, in the exact notation
}

// Scenarios of pyramid_redis_sessions, of its fork and of Beaker, on a real
// Redis, give the same results, the same data in the store and the same cookies;
// where they do not, the list says from which request on, and why.
func TestScenarios(t *testing.T) {
	const (
		lazy   = "a session that holds nothing is not kept"
		nested = "what Edit changed is saved; a slice has no other way to grow in place"
		ends   = "what ended is removed, and the cookie cleared"
	)
	differ := map[string]struct {
		step   int
		reason string
	}{
		"redis_sessions/created-by-access":                {0, lazy},
		"redis_sessions/invalidate":                       {2, lazy},
		"redis_sessions/pop-default":                      {0, lazy},
		"redis_sessions/no-len":                           {0, lazy},
		"redis_sessions/forged-cookie":                    {1, lazy},
		"redis_sessions/max-age":                          {0, lazy},
		"redis_sessions/nested-needs-changed":             {1, nested},
		"redis_sessions/garbage-value":                    {0, "a value that does not decode is a new session, not an error page"},
		"redis_sessions/exception-off":                    {0, "DropOnError drops the data too, not only the cookie"},
		"redis_sessions_fork/nested-not-detected":         {1, nested},
		"redis_sessions_fork/emptied":                     {1, "an emptied session lives on; Invalidate ends it"},
		"beaker_scenarios/auto":                           {0, lazy},
		"beaker_scenarios/timeout":                        {2, "a new session gets no cookie as long as it holds nothing"},
		"beaker_scenarios/invalidate":                     {1, ends},
		"beaker_scenarios/invalidate-old-cookie-replayed": {1, ends},
		"beaker_scenarios/delete":                         {1, ends},
		"beaker_scenarios/regenerate-id":                  {1, ends},
		"beaker_scenarios/regenerate-id-unsaved":          {1, ends},
		"beaker_scenarios/constant-csrf":                  {0, "there is no constant token"},
		"beaker_scenarios/keys-shown":                     {0, "Beaker's own keys are not the application's"},
		"beaker_scenarios/cookie-type-invalidate":         {1, ends},
		"beaker_scenarios/clear-loses-times":              {1, "Clear keeps the times"},
		"beaker_scenarios/unknown-id":                     {0, "an id that is not in the storage is not adopted"},
	}
	for _, file := range []string{"redis_sessions", "redis_sessions_fork", "beaker_scenarios"} {
		for _, v := range vectors(t, file, 24) {
			var steps []scenarioStep
			v.get(t, "steps", &steps)
			if steps == nil || strings.HasPrefix(v.ID, "state-") {
				continue // in stored_vectors_test.go
			}
			v.compared()
			id := file + "/" + v.ID
			t.Run(id, func(t *testing.T) {
				p := newPlayer(t, file, v)
				d, listed := differ[id]
				for i := range steps {
					diff := p.play(&steps[i])
					switch {
					case listed && i > d.step: // its own cookies from here on
					case listed && i == d.step:
						if diff == "" {
							t.Errorf("request %d is as in the original: take it off the list (%s)", i, d.reason)
						}
					case diff != "":
						t.Errorf("request %d: %s", i, diff)
					}
				}
			})
		}
	}
}

func newPlayer(t *testing.T, file string, v vector) *player {
	t.Helper()
	var o struct {
		Timeout        json.RawMessage
		CookieName     string `json:"cookie_name"`
		MaxAge         int    `json:"cookie_max_age"`
		OnException    *bool  `json:"cookie_on_exception"`
		SaveAccessed   *bool  `json:"save_accessed_time"`
		Prefix         string
		NoTTL          *bool `json:"set_redis_ttl"`
		NoExpires      *bool `json:"python_expires"`
		TimeoutTrigger int   `json:"timeout_trigger"`
		Type           string
	}
	v.get(t, "options", &o)
	p := &player{t: t, id: v.ID, cookies: map[string]string{}}
	var b scarab.Backend
	var err error
	idle, name := 20*time.Minute, "session"
	var seconds float64
	switch {
	case string(o.Timeout) == "null", o.Timeout == nil && file == "beaker_scenarios":
		idle = scarab.Never
	case o.Timeout != nil:
		if err := json.Unmarshal(o.Timeout, &seconds); err != nil {
			t.Fatal(err)
		}
		idle = time.Duration(seconds * 1e9)
	}
	if v.ID == "prefix" {
		o.Prefix = "session:"
	}
	c := RedisConfig{Secrets: []string{v.text(t, "secret")}, Prefix: o.Prefix, NoTTL: o.NoTTL != nil, NoExpires: o.NoExpires != nil}
	if o.Type != "cookie" {
		p.client, _ = redisClient(t)
	}
	p.stored = func(value any) string { return exact(t, value) }
	switch {
	case file == "redis_sessions":
		b, err = RedisSessions(p.client, c)
	case file == "redis_sessions_fork":
		b, err = RedisSessionsFork(p.client, c)
	case o.Type == "cookie":
		name = "beaker.session.id"
		c := BeakerConfig{ValidateKey: v.text(t, "validate_key"), Timeout: idle}
		b, err = BeakerCookie(c)
	default:
		name = "beaker.session.id"
		c := v.beaker(t, false)
		b, err = Beaker(BeakerRedis(p.client), c)
		data, _ := c.data()
		p.stored = func(value any) string {
			dict, err := data.open(value)
			if err != nil {
				t.Fatal(err)
			}
			return exact(t, dict)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if o.CookieName != "" {
		name = o.CookieName
	}
	p.a = newApp(t, b, func(cfg *scarab.Config) {
		cfg.Cookie.Name = name
		if v.ID == "cookie-options" {
			c := attributesConfig(t, v)
			cfg.Cookie, cfg.Insecure = c.Cookie, c.Insecure
		}
		cfg.IdleTimeout = idle
		cfg.DropOnError = o.OnException != nil && !*o.OnException
		if o.SaveAccessed != nil && !*o.SaveAccessed {
			cfg.TouchInterval = scarab.Never
		}
		if o.TimeoutTrigger != 0 {
			cfg.TouchInterval = idle - time.Duration(o.TimeoutTrigger)*time.Second
		}
	})
	return p
}

var randomHex = regexp.MustCompile(`"[0-9a-f]{32,64}"`)

// masked hides random tokens and ids.
func masked(text string) string { return randomHex.ReplaceAllString(text, `"TOKEN"`) }

func (p *player) play(step *scenarioStep) string {
	t := p.t
	var diff strings.Builder
	differs := func(what string, here, original any) {
		if h, o := masked(fmt.Sprint(here)), masked(fmt.Sprint(original)); h != o {
			fmt.Fprintf(&diff, "\n%s\n      here %s\n  original %s", what, h, o)
		}
	}
	var ok bool
	if p.a.now, ok = toTime(typed(t, step.Time)); !ok {
		t.Fatalf("time %s", step.Time)
	}
	var ops [][]json.RawMessage
	if string(step.Ops) != "null" {
		if err := json.Unmarshal(step.Ops, &ops); err != nil {
			t.Fatal(err)
		}
	}
	if step.Cookie != "" { // what the original's browser sent
		value := lastCookie(step.Cookie, p.a.name)
		if ours, ok := p.cookies[value]; ok {
			value = ours
		} else {
			p.preload(step)
		}
		p.a.cookie = value
	}
	use := func(s *scarab.Session) {
		for i, op := range ops {
			name, args := opOf(t, op)
			got, ok := perform(t, s, name, args)
			if ok && i < len(step.Results) {
				differs(fmt.Sprint(name, args), got, exact(t, typed(t, step.Results[i])))
			}
		}
		if step.Attributes.New != nil {
			differs("new", s.IsNew(), *step.Attributes.New)
		}
	}
	header := ""
	if p.a.cookie != "" {
		header = p.a.name + "=" + p.a.cookie
	}
	handler := func(w http.ResponseWriter, s *scarab.Session) {
		use(s)
		if step.Exception {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	if ops == nil {
		handler = nil
	}
	w := p.a.do(header, handler).Result()
	differs("status", w.StatusCode, map[bool]int{true: 500, false: 200}[step.Exception || step.Error != ""])
	p.compareCookies(step, w, differs)
	if p.client != nil {
		p.compareStore(step, differs)
	}
	return diff.String()
}

// preload puts what the original had in the store into ours, for a cookie that
// was not made by an earlier request.
func (p *player) preload(step *scenarioStep) {
	if !slices.Contains([]string{"key-injection", "garbage-value", "old-format"}, p.id) {
		return
	}
	for _, k := range step.Keys {
		redisSet(p.t, p.client, k.Key, k.Value)
		if k.TTL != nil {
			p.client.Do(p.t.Context(), p.client.B().Expire().Key(k.Key).Seconds(*k.TTL).Build())
		}
	}
}

func (p *player) compareCookies(step *scenarioStep, w *http.Response, differs func(string, any, any)) {
	kind := func(lines []string) (kinds []string, value string) {
		for _, line := range lines {
			value, _, _ = strings.Cut(line[strings.Index(line, "=")+1:], ";")
			kind := "set"
			if value == "" || strings.Contains(line, "Max-Age=0") {
				kind = "cleared"
			}
			kinds = append(kinds, kind)
		}
		return kinds, value
	}
	here, ours := kind(w.Header["Set-Cookie"])
	original, theirs := kind(step.SetCookie)
	differs("cookies", here, original)
	if len(here) > 0 {
		p.a.cookie = ours
	}
	if p.id == "cookie-options" && len(here) == 1 && here[0] == "set" {
		// SameSite is always said, and how long a cookie lives is the session's.
		attributes := func(line string) string {
			line, _, _ = strings.Cut(browserReads(p.t, line, p.a.now), "; SameSite=Lax")
			return strings.Replace(line, "; Max-Age=60", "", 1)
		}
		differs("attributes", attributes(w.Header["Set-Cookie"][0]), attributes(step.SetCookie[0]))
	}
	if len(here) == 1 && len(original) == 1 {
		p.cookies[strings.Trim(theirs, `"`)] = ours
	}
	if len(step.Stored) > 0 && ours != "" { // type=cookie
		b, err := BeakerConfig{ValidateKey: "validate-golden-dev-1"}.beakerCookie()
		if err != nil {
			p.t.Fatal(err)
		}
		dict, err := b.open(ours)
		if err != nil {
			p.t.Fatal(err)
		}
		differs("session in the cookie", exact(p.t, dict), exact(p.t, typed(p.t, step.Stored[len(step.Stored)-1])))
	}
}

func (p *player) compareStore(step *scenarioStep, differs func(string, any, any)) {
	t := p.t
	keys, err := p.client.Do(t.Context(), p.client.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	var here, original []string
	for _, key := range keys {
		if strings.Contains(key, notePrefix) {
			continue
		}
		text := "undecodable"
		if value, err := unpickle(redisGet(t, p.client, key)); err == nil {
			text = p.stored(value)
		}
		here = append(here, fmt.Sprint(text, " for ", redisTTL(t, p.client, key)))
	}
	for _, k := range step.Keys {
		ttl := int64(-1)
		if k.TTL != nil {
			ttl = *k.TTL
		}
		text := "undecodable"
		for _, raw := range []json.RawMessage{k.Decoded, k.Session} {
			if len(raw) > 0 && string(raw) != "null" {
				text = exact(t, typed(t, raw))
			}
		}
		original = append(original, fmt.Sprint(text, " for ", ttl))
	}
	slices.Sort(here)
	slices.Sort(original)
	differs("store", strings.Join(here, "\n           "), strings.Join(original, "\n           "))
}

func opOf(t *testing.T, op []json.RawMessage) (name string, args []any) {
	t.Helper()
	if err := json.Unmarshal(op[0], &name); err != nil {
		t.Fatal(err)
	}
	for _, raw := range op[1:] {
		var arg any
		if err := json.Unmarshal(raw, &arg); err != nil {
			t.Fatal(err)
		}
		args = append(args, arg)
	}
	return name, args
}

// perform carries out an operation. ok is false if its result is not compared.
func perform(t *testing.T, s *scarab.Session, name string, args []any) (result string, ok bool) {
	t.Helper()
	arg := func(i int, def any) any {
		if i < len(args) {
			return args[i]
		}
		return def
	}
	text := func(i int) string { v, _ := arg(i, "").(string); return v }
	asJSON := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		value, err := parseJSON(b)
		if err != nil {
			t.Fatal(err)
		}
		return exact(t, value)
	}
	lookup := func(key string, def any) string {
		if raw, err := scarab.Key[json.RawMessage](key).Lookup(s); err == nil {
			return exact(t, typed(t, raw))
		}
		return asJSON(def)
	}
	queue := scarab.Queue[any](text(0))
	switch name {
	case "touch", "len", "bool", "attr":
		return "", false
	case "set":
		s.Set(text(0), arg(1, nil))
		return "null", true
	case "get", "getitem":
		return lookup(text(0), arg(1, nil)), true
	case "del":
		s.Delete(text(0))
		return "null", true
	case "pop":
		before := lookup(text(0), arg(1, nil))
		s.Pop(text(0))
		return before, true
	case "keys", "iter":
		keys := []string{}
		for key := range s.Keys() {
			keys = append(keys, key)
		}
		return asJSON(keys), true
	case "items":
		items := [][]any{}
		for key, v := range s.All() {
			items = append(items, []any{key, v})
		}
		return asJSON(items), true
	case "clear":
		s.Clear()
		return "null", true
	case "update":
		s.SetAll(arg(0, nil).(map[string]any))
		return "null", true
	case "setdefault":
		return asJSON(s.SetDefault(text(0), arg(1, nil))), true
	case "changed", "save":
		s.Changed()
		return "null", true
	case "nested_append":
		list := scarab.Key[[]any](text(0)).Edit(s)
		*list = append(*list, arg(1, nil))
		return "null", true
	case "flash":
		q := scarab.Queue[any](text(1))
		if arg(2, true) == false {
			q.PushUnique(s, arg(0, nil))
		} else {
			q.Push(s, arg(0, nil))
		}
		return "null", true
	case "pop_flash":
		return asJSON(append([]any{}, queue.Pop(s)...)), true
	case "peek_flash":
		return asJSON(append([]any{}, queue.Peek(s)...)), true
	case "get_csrf_token":
		return asJSON(s.CSRFToken()), true
	case "new_csrf_token":
		return asJSON(s.NewCSRFToken()), true
	case "invalidate", "delete":
		s.Invalidate()
		return "null", true
	case "regenerate_id":
		s.Renew()
		return "null", true
	case "adjust_timeout_for_session", "adjust_session_timeout":
		s.SetTimeouts(time.Duration(arg(0, 0.0).(float64)*1e9), 0)
		return "null", true
	}
	t.Fatalf("operation %s", name)
	return "", false
}
