package scarab_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cfgerrors"
	"github.com/scarab-go/scarab/memstore"
)

func TestNew_mistakes(t *testing.T) {
	const (
		never  = scarab.Never
		second = time.Second
		day    = 24 * time.Hour
	)
	duration := func(field string, v, least, most time.Duration) error {
		return &cfgerrors.DurationError{Field: field, Value: v, Min: least, Max: most}
	}
	name := func(name, reason string) error { return &cfgerrors.CookieNameError{Name: name, Reason: reason} }
	attribute := func(attr, value, reason string) error {
		return &cfgerrors.CookieAttributeError{Attribute: attr, Value: value, Reason: reason}
	}
	missing := func(field string) error { return &cfgerrors.MissingError{Field: field} }
	cookie := func(c scarab.Cookie) scarab.Config { return scarab.Config{Cookie: c} }
	stored := scarab.Stored(memstore.New())
	tests := []struct {
		name    string
		backend scarab.Backend
		cfg     scarab.Config
		want    []error
	}{
		{"the zero value is fine", stored, scarab.Config{}, nil},
		{"no backend", nil, scarab.Config{}, []error{missing("Backend")}},
		{"no store", scarab.Stored(nil), scarab.Config{}, []error{missing("Backend")}},
		{"no codec", scarab.InCookie(nil), scarab.Config{}, []error{missing("Backend")}},
		{"a fallback without a backend", stored, scarab.Config{Fallbacks: []scarab.Fallback{{}}}, []error{missing("Fallbacks[0].Backend")}},
		{"a fallback without a store", stored, scarab.Config{Fallbacks: []scarab.Fallback{{Backend: stored}, {Backend: scarab.Stored(nil), CookieName: "b"}}}, []error{missing("Fallbacks[1].Backend")}},
		{"two fallbacks of one cookie", stored, scarab.Config{Fallbacks: []scarab.Fallback{{Backend: stored, CookieName: "old"}, {Backend: stored, CookieName: "old"}}}, []error{name("old", "twice")}},
		{"a fallback with a bad name", stored, scarab.Config{Fallbacks: []scarab.Fallback{{Backend: stored, CookieName: "a b"}}}, []error{name("a b", "character")}},

		{"a negative idle timeout", stored, scarab.Config{IdleTimeout: -1}, []error{duration("IdleTimeout", -1, second, never)}},
		{"an idle timeout below a second", stored, scarab.Config{IdleTimeout: second - 1}, []error{duration("IdleTimeout", second-1, second, never)}},
		{"an idle timeout of a second", stored, scarab.Config{IdleTimeout: second}, nil},
		{"a negative lifetime", stored, scarab.Config{Lifetime: -second, IdleTimeout: second}, []error{duration("Lifetime", -second, second, never)}},
		{"idle beyond lifetime", stored, scarab.Config{IdleTimeout: time.Hour, Lifetime: time.Minute}, []error{duration("IdleTimeout", time.Hour, second, time.Minute)}},
		{"idle as long as lifetime", stored, scarab.Config{IdleTimeout: time.Hour, Lifetime: time.Hour}, nil},
		{"only a lifetime", stored, scarab.Config{IdleTimeout: never, Lifetime: time.Hour}, nil},
		{"only an idle timeout", stored, scarab.Config{IdleTimeout: time.Hour, Lifetime: never}, nil},
		{"neither", stored, scarab.Config{IdleTimeout: never, Lifetime: never}, nil},
		{"a negative touch interval", stored, scarab.Config{TouchInterval: -1}, []error{duration("TouchInterval", -1, 1, never)}},
		{"a touch interval as long as idle", stored, scarab.Config{TouchInterval: time.Hour}, []error{duration("TouchInterval", time.Hour, 1, time.Hour-1)}},
		{"a touch interval beyond idle", stored, scarab.Config{IdleTimeout: time.Minute, TouchInterval: time.Hour}, []error{duration("TouchInterval", time.Hour, 1, time.Minute-1)}},
		{"a touch interval just below idle", stored, scarab.Config{TouchInterval: time.Hour - 1}, nil},
		{"no touching", stored, scarab.Config{TouchInterval: never}, nil},
		{"a store timeout below a millisecond", stored, scarab.Config{StoreTimeout: time.Microsecond}, []error{duration("StoreTimeout", time.Microsecond, time.Millisecond, time.Hour)}},
		{"a store timeout of a day", stored, scarab.Config{StoreTimeout: day}, []error{duration("StoreTimeout", day, time.Millisecond, time.Hour)}},
		{"persistent beyond 400 days", stored, scarab.Config{Persistent: true, Lifetime: 401 * day}, []error{duration("Lifetime", 401*day, second, 400*day)}},
		{"persistent for 400 days", stored, scarab.Config{Persistent: true, Lifetime: 400 * day}, nil},
		{"persistent, for ever", stored, scarab.Config{Persistent: true, Lifetime: never}, nil},
		{"beyond 400 days, not persistent", stored, scarab.Config{Lifetime: 401 * day}, nil},
		{"a negative size", stored, scarab.Config{MaxSize: -1}, []error{&cfgerrors.SizeError{Field: "MaxSize", Value: -1, Min: 1, Max: 16 << 20}}},
		{"a huge size", stored, scarab.Config{MaxSize: 1 << 30}, []error{&cfgerrors.SizeError{Field: "MaxSize", Value: 1 << 30, Min: 1, Max: 16 << 20}}},

		{"a blank in the name", stored, cookie(scarab.Cookie{Name: "my session"}), []error{name("my session", "character")}},
		{"a semicolon in the name", stored, cookie(scarab.Cookie{Name: "a;b"}), []error{name("a;b", "character")}},
		{"an equals sign in the name", stored, cookie(scarab.Cookie{Name: "a=b"}), []error{name("a=b", "character")}},
		{"a line break in the name", stored, cookie(scarab.Cookie{Name: "a\nb"}), []error{name("a\nb", "character")}},
		{"a name beyond ASCII", stored, cookie(scarab.Cookie{Name: "sitzüng"}), []error{name("sitzüng", "character")}},
		{"every character of a token", stored, cookie(scarab.Cookie{Name: "azAZ09!#$%&'*+-.^_`|~"}), nil},
		{"a long name", stored, cookie(scarab.Cookie{Name: strings.Repeat("n", 257)}), []error{name(strings.Repeat("n", 257), "too long")}},
		{"__Host- and a domain", stored, cookie(scarab.Cookie{Name: "__Host-id", Domain: "example.com"}), []error{name("__Host-id", "prefix")}},
		{"__Host- and a path", stored, cookie(scarab.Cookie{Name: "__Host-id", Path: "/app"}), []error{name("__Host-id", "prefix")}},
		{"__Host- and Insecure", stored, scarab.Config{Insecure: true, Cookie: scarab.Cookie{Name: "__Host-id"}}, []error{name("__Host-id", "prefix")}},
		{"__Host- and all of it", stored, scarab.Config{Insecure: true, Cookie: scarab.Cookie{Name: "__Host-id", Path: "/app"}}, []error{name("__Host-id", "prefix"), name("__Host-id", "prefix")}},
		{"__Secure- and Insecure", stored, scarab.Config{Insecure: true, Cookie: scarab.Cookie{Name: "__Secure-id"}}, []error{name("__Secure-id", "prefix")}},
		{"__Secure- and a domain", stored, cookie(scarab.Cookie{Name: "__Secure-id", Domain: "example.com"}), nil},
		{"a prefix in other letters", stored, cookie(scarab.Cookie{Name: "__HOST-id"}), []error{name("__HOST-id", "case")}},
		{"__Http- and scripts", stored, cookie(scarab.Cookie{Name: "__Http-id", AllowScriptAccess: true}), []error{name("__Http-id", "prefix")}},
		{"__Host-Http- and scripts", stored, cookie(scarab.Cookie{Name: "__Host-Http-id", AllowScriptAccess: true}), []error{name("__Host-Http-id", "prefix")}},
		{"a path without a slash", stored, cookie(scarab.Cookie{Path: "app"}), []error{attribute("Path", "app", "form")}},
		{"a semicolon in the path", stored, cookie(scarab.Cookie{Path: "/a;b"}), []error{attribute("Path", "/a;b", "form")}},
		{"a long path", stored, cookie(scarab.Cookie{Path: "/" + strings.Repeat("p", 1024)}), []error{attribute("Path", "/"+strings.Repeat("p", 31)+"…", "too long")}},
		{"an address as domain", stored, cookie(scarab.Cookie{Domain: "https://example.com"}), []error{attribute("Domain", "https://example.com", "form")}},
		{"a port in the domain", stored, cookie(scarab.Cookie{Domain: "example.com:80"}), []error{attribute("Domain", "example.com:80", "form")}},
		{"a dot as domain", stored, cookie(scarab.Cookie{Domain: "."}), []error{attribute("Domain", ".", "form")}},
		{"SameSite=None and Insecure", stored, scarab.Config{Insecure: true, Cookie: scarab.Cookie{SameSite: http.SameSiteNoneMode}}, []error{attribute("SameSite", "None", "insecure")}},
		{"an unknown SameSite", stored, cookie(scarab.Cookie{SameSite: 9}), []error{attribute("SameSite", "9", "form")}},
		{"Partitioned and Insecure", stored, scarab.Config{Insecure: true, Cookie: scarab.Cookie{Partitioned: true}}, []error{attribute("Partitioned", "true", "insecure")}},

		{"all at once", nil, scarab.Config{
			IdleTimeout: -1, Lifetime: -1, TouchInterval: -1, StoreTimeout: -1, MaxSize: -1, Insecure: true,
			Cookie: scarab.Cookie{Name: "__host-é", Path: "x", Domain: "/", SameSite: 9, Partitioned: true},
		}, []error{
			duration("IdleTimeout", -1, second, never), duration("Lifetime", -1, second, never), duration("TouchInterval", -1, 1, never), duration("StoreTimeout", -1, time.Millisecond, time.Hour),
			&cfgerrors.SizeError{Field: "MaxSize", Value: -1, Min: 1, Max: 16 << 20},
			name("__host-é", "character"), name("__host-é", "case"), name("__host-é", "prefix"), name("__host-é", "prefix"),
			attribute("Path", "x", "form"), attribute("Domain", "/", "form"), attribute("SameSite", "9", "form"), attribute("Partitioned", "true", "insecure"),
			missing("Backend"),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := scarab.New(tt.backend, tt.cfg)
			got := slices.Collect(cfgerrors.All(err))
			for i, e := range got {
				if !strings.HasPrefix(e.Error(), "scarab: ") || len(e.Error()) < 30 {
					t.Errorf("says %q", e)
				}
				got[i] = bare(e)
			}
			if !reflect.DeepEqual(got, tt.want) || (f == nil) != (tt.want != nil) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// bare is err without its words for people, which may change.
func bare(err error) error {
	switch e := err.(type) {
	case *cfgerrors.MissingError:
		return &cfgerrors.MissingError{Field: e.Field}
	case *cfgerrors.DurationError:
		return &cfgerrors.DurationError{Field: e.Field, Value: e.Value, Min: e.Min, Max: e.Max}
	case *cfgerrors.CookieNameError:
		return &cfgerrors.CookieNameError{Name: e.Name, Reason: e.Reason}
	case *cfgerrors.CookieAttributeError:
		return &cfgerrors.CookieAttributeError{Attribute: e.Attribute, Value: e.Value, Reason: e.Reason}
	}
	return err
}

// New copies the Config: nothing that happens to it later counts.
func TestNew_copies(t *testing.T) {
	fallbacks := []scarab.Fallback{{Backend: scarab.InCookie(signedCodec(t)), CookieName: "old"}}
	cfg := scarab.Config{Fallbacks: fallbacks}
	site := newSite(t, cfg)
	fallbacks[0] = scarab.Fallback{}
	if a := site.browser().visit(func(s *scarab.Session) { s.Set("a", 1) }, header("Cookie", "old=x")); a.status != http.StatusOK {
		t.Errorf("%d", a.status)
	}
}

// Fields can be added in later versions: no literal without names compiles, and
// no comparison.
func TestConfig_grows(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[scarab.Config](), reflect.TypeFor[scarab.Cookie]()} {
		if typ.Comparable() || typ.Field(0).IsExported() {
			t.Errorf("%v can be compared or written without field names", typ)
		}
	}
}

// How long sessions live by default, and where one limit says something about
// the other.
func TestConfig_timeouts(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	tests := []struct {
		name           string
		idle, lifetime time.Duration
		wantIdle       time.Duration
		wantLifetime   time.Duration // 0: none
	}{
		{"neither", 0, 0, hour, day},
		{"a short lifetime", 0, 10 * time.Minute, 10 * time.Minute, 10 * time.Minute},
		{"a long lifetime", 0, 90 * day, hour, 90 * day},
		{"a short idle timeout", time.Minute, 0, time.Minute, day},
		{"a long idle timeout", 30 * day, 0, 30 * day, 30 * day},
		{"no lifetime", 0, scarab.Never, hour, 0},
		{"no idle timeout", scarab.Never, 2 * day, 2 * day, 2 * day},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newSite(t, scarab.Config{IdleTimeout: tt.idle, Lifetime: tt.lifetime}).browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1) })
			b.visit(func(s *scarab.Session) {
				if s.Expires() != noon.Add(tt.wantIdle) || !s.Deadline().Equal(noon.Add(tt.wantLifetime)) && tt.wantLifetime != 0 || tt.wantLifetime == 0 && !s.Deadline().IsZero() {
					t.Errorf("Expires %v, Deadline %v", s.Expires(), s.Deadline())
				}
			})
		})
	}
}

// How often use extends a session.
func TestConfig_TouchInterval(t *testing.T) {
	tests := []struct {
		name     string
		interval time.Duration
		idle     time.Duration // of its own
		wait     time.Duration
		touched  bool
	}{
		{"the default is a tenth of the idle timeout", 0, 0, 6 * time.Minute, false},
		{"and a bit", 0, 0, 6*time.Minute + time.Microsecond, true},
		{"every time", 1, 0, time.Microsecond, true},
		{"never", scarab.Never, 0, 59 * time.Minute, false},
		{"as configured", 30 * time.Minute, 0, 30 * time.Minute, false},
		{"as configured, and a bit", 30 * time.Minute, 0, 31 * time.Minute, true},
		{"a shorter idle timeout of its own", 30 * time.Minute, 10 * time.Minute, time.Minute + time.Second, true},
		{"not more often than that", 30 * time.Minute, 10 * time.Minute, time.Minute, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			site := newPlainSite(t, scarab.Config{TouchInterval: tt.interval})
			b := site.browser()
			b.visit(func(s *scarab.Session) { s.Set("a", 1); s.SetTimeouts(tt.idle, 0) })
			site.clock.Advance(tt.wait)
			if a := b.visit(func(*scarab.Session) {}); (a.calls == "Load Touch") != tt.touched {
				t.Errorf("store calls %s", a.calls)
			}
		})
	}
}

// A session of any size up to the limit fits; beyond, the error names the
// largest values.
func TestConfig_MaxSize(t *testing.T) {
	b := newSite(t, scarab.Config{MaxSize: 1000}).browser()
	if a := b.visit(func(s *scarab.Session) { s.Set("a", strings.Repeat("x", 950)) }); a.status != http.StatusOK {
		t.Errorf("950 bytes: %d", a.status)
	}
	a := b.visit(func(s *scarab.Session) {
		s.SetAll(map[string]any{"b": strings.Repeat("x", 30), "c": 1, "d": strings.Repeat("x", 40), "e": strings.Repeat("x", 20)})
	})
	if len(a.failures) != 1 {
		t.Fatalf("%d, %v", a.status, a.failures)
	}
	tooLarge, ok := a.failures[0].(*scarab.TooLargeError)
	if !ok || tooLarge.Limit != 1000 || tooLarge.Size <= 1000 || !slices.Equal(tooLarge.Largest, []string{"a", "d", "b"}) {
		t.Errorf("%d, %v", a.status, a.failures[0])
	}
}
