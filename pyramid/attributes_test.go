package pyramid

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab"
)

// What the originals write around the value, and what scarab.Config says for
// it. Browsers read both lines alike; where they do not, the list says why.
func TestAttributes_vectors(t *testing.T) {
	differ := map[string]string{
		"attributes-samesite-off":           "SameSite is always said",
		"attributes-samesite-none-insecure": "New refuses it, since browsers do",
		"attributes-expires-false":          "2038 is further away than browsers go",
		"attributes-expires-int":            "an error in Python, if it does not come from an ini file",
	}
	for _, file := range []string{"beaker_id_cookie", "unencrypted_cookie_1x"} {
		for _, v := range vectors(t, file, 45) {
			if v.Kind != "attributes" {
				continue
			}
			v.compared()
			t.Run(file+"/"+v.ID, func(t *testing.T) {
				cfg := attributesConfig(t, v)
				b, err := Beaker(BeakerFiles(t.TempDir()), BeakerConfig{Secrets: []string{v.text(t, "secret")}, Timeout: cfg.IdleTimeout})
				if file == "unencrypted_cookie_1x" {
					b, err = UnencryptedCookie(UnencryptedConfig{Secrets: []string{v.text(t, "secret")}})
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := scarab.New(b, cfg); err != nil {
					if differ[v.ID] == "" {
						t.Error(err)
					}
					return
				}
				a := newApp(t, b, func(c *scarab.Config) {
					cfg.Clock = c.Clock
					*c = cfg
				})
				w := a.do("", func(_ http.ResponseWriter, s *scarab.Session) { s.Set("a", 1) })
				lines := w.Header()["Set-Cookie"]
				if len(lines) != 1 {
					t.Fatalf("%d lines", len(lines))
				}
				var want struct {
					Lines []string `json:"set_cookie_raw"`
				}
				v.get(t, "expect", &want)
				original := v.text(t, "set_cookie")
				if len(want.Lines) == 1 {
					original = strings.TrimSpace(want.Lines[0])
				}
				here := browserReads(t, lines[0], a.now)
				if same := original != "" && here == browserReads(t, original, a.now); same == (differ[v.ID] != "") {
					t.Errorf("here     %s\noriginal %s (%s)", lines[0], original, differ[v.ID])
				}
			})
		}
	}
}

// attributesConfig is what the options of a vector are here.
func attributesConfig(t testing.TB, v vector) scarab.Config {
	t.Helper()
	var o struct {
		Key      string
		Name     string          `json:"cookie_name"`
		Domain   string          `json:"cookie_domain"`
		Path     string          `json:"cookie_path"`
		Expires  json.RawMessage `json:"cookie_expires"`
		Secure   bool
		HTTPOnly bool
		SameSite *string

		Secure1x   bool    `json:"cookie_secure"`
		HTTPOnly1x bool    `json:"cookie_httponly"`
		SameSite1x *string `json:"cookie_samesite"`
	}
	v.get(t, "options", &o)
	cfg := scarab.Config{
		Insecure: !o.Secure && !o.Secure1x, IdleTimeout: scarab.Never, Lifetime: scarab.Never,
		Cookie: scarab.Cookie{Name: "beaker.session.id", Domain: o.Domain, Path: o.Path, AllowScriptAccess: !o.HTTPOnly && !o.HTTPOnly1x},
	}
	if name := o.Key + o.Name; name != "" {
		cfg.Cookie.Name = name
	}
	for _, s := range []*string{o.SameSite, o.SameSite1x} {
		if s != nil {
			cfg.Cookie.SameSite = map[string]http.SameSite{
				"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode, "None": http.SameSiteNoneMode,
			}[*s]
		}
	}
	var span struct {
		Seconds float64 `json:"timedelta_seconds"`
	}
	if len(o.Expires) > 0 {
		cfg.Persistent = true
		if json.Unmarshal(o.Expires, &span) == nil && span.Seconds > 0 {
			cfg.Lifetime = time.Duration(span.Seconds * 1e9)
			cfg.IdleTimeout = cfg.Lifetime
		}
	}
	return cfg
}

// browserReads is what a browser makes of a Set-Cookie line, without the value.
func browserReads(t testing.TB, line string, now time.Time) string {
	t.Helper()
	c, err := http.ParseSetCookie(line)
	if err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if c.MaxAge == 0 && !c.Expires.IsZero() {
		c.MaxAge = int(c.Expires.Sub(now) / time.Second)
	}
	c.Domain = strings.TrimPrefix(c.Domain, ".") // RFC 6265, section 5.2.3
	return (&http.Cookie{
		Name: c.Name, Value: "VALUE", Path: c.Path, Domain: c.Domain, MaxAge: c.MaxAge,
		Secure: c.Secure, HttpOnly: c.HttpOnly, SameSite: c.SameSite,
	}).String()
}
