package csrf_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/csrf"
)

// A mistake is "Field: reason" of a ConfigError.
func mistakes(t *testing.T, err error) (found []string) {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	for _, err := range joined.Unwrap() {
		var bad *csrf.ConfigError
		if !errors.As(err, &bad) || bad.Hint == "" {
			t.Errorf("%#v", err)
			continue
		}
		found = append(found, bad.Field+": "+bad.Reason)
	}
	return found
}

func TestConfig(t *testing.T) {
	tests := []struct {
		name string
		cfg  csrf.Config
		want []string
	}{
		{name: "the zero value"},
		{
			name: "origins in any spelling",
			cfg:  csrf.Config{Origins: []string{"https://example.com", "HTTPS://Example.com:443"}, TrustedOrigins: []string{"https://[::1]:8443", "capacitor://localhost", "chrome-extension://abc"}},
		},
		{
			name: "what is no origin",
			cfg:  csrf.Config{TrustedOrigins: []string{"example.com", "https://example.com/", "https://example.com/app", "https://*.example.com", ".example.com", "null", "https://u@example.com", "https://münchen.example", "", "https://", "https://a:b", "*"}},
			want: []string{
				"TrustedOrigins[0]: no scheme", "TrustedOrigins[1]: more than an origin", "TrustedOrigins[2]: more than an origin", "TrustedOrigins[3]: wildcard", "TrustedOrigins[4]: no scheme", "TrustedOrigins[5]: null",
				"TrustedOrigins[6]: user information", "TrustedOrigins[7]: not ASCII", "TrustedOrigins[8]: no scheme", "TrustedOrigins[9]: not an origin", "TrustedOrigins[10]: not an origin", "TrustedOrigins[11]: wildcard",
			},
		},
		{
			name: "plain http",
			cfg:  csrf.Config{Origins: []string{"http://example.com", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "http://a.localhost"}, TrustedOrigins: []string{"HTTP://example.com", "http://localhost.example.com"}},
			want: []string{"Origins[0]: plain http", "TrustedOrigins[0]: plain http", "TrustedOrigins[1]: plain http"},
		},
		{
			name: "plain http, which Insecure is for",
			cfg:  csrf.Config{Insecure: true, Origins: []string{"http://example.com"}, TrustedOrigins: []string{"http://example.org"}},
		},
		{
			name: "an origin that no site has",
			cfg:  csrf.Config{Origins: []string{"chrome-extension://abc"}},
			want: []string{"Origins[0]: scheme"},
		},
		{
			name: "an unknown mode",
			cfg:  csrf.Config{Mode: 7},
			want: []string{"Mode: unknown"},
		},
		{
			name: "a cookie name without codec",
			cfg:  csrf.Config{CookieName: "__Host-csrf"},
			want: []string{"CookieName: no codec"},
		},
		{
			name: "a codec that is never used",
			cfg:  csrf.Config{Codec: codec("k"), Mode: csrf.OriginOnly},
			want: []string{"Codec: not used"},
		},
		{
			name: "a cookie that another host can set",
			cfg:  csrf.Config{Codec: codec("k"), CookieName: "csrf"},
			want: []string{"CookieName: prefix"},
		},
		{
			name: "a prefix that browsers refuse over http",
			cfg:  csrf.Config{Codec: codec("k"), CookieName: "__Host-csrf", Insecure: true},
			want: []string{"CookieName: prefix"},
		},
		{
			name: "a cookie name with a space",
			cfg:  csrf.Config{Codec: codec("k"), CookieName: "__Host-a b"},
			want: []string{"CookieName: character"},
		},
		{name: "a cookie of one's own", cfg: csrf.Config{Codec: codec("k"), CookieName: "__Host-shop"}},
		{name: "a codec that fails", cfg: csrf.Config{Codec: broken{err: errors.New("no key")}}, want: []string{"Codec: no key"}},
		{name: "a codec whose values are no cookie's", cfg: csrf.Config{Codec: broken{value: "a;b"}}, want: []string{"Codec: value"}},
		{name: "a codec whose values are too long", cfg: csrf.Config{Codec: broken{value: strings.Repeat("x", 4096)}}, want: []string{"Codec: value"}},
		{
			name: "all at once",
			cfg:  csrf.Config{Origins: []string{"x"}, TrustedOrigins: []string{"y"}, Mode: 9, Codec: codec("k"), CookieName: "x"},
			want: []string{"Origins[0]: no scheme", "TrustedOrigins[0]: no scheme", "Mode: unknown", "CookieName: prefix"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := csrf.New(tt.cfg)
			if got := mistakes(t, err); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if (p == nil) != (err != nil) {
				t.Errorf("%v with %v", p, err)
			}
		})
	}
}

// What New was given may change afterwards.
func TestConfigIsCopied(t *testing.T) {
	trusted := []string{"https://pay.example.org"}
	s := newSite(t, csrf.Config{Mode: csrf.OriginOnly, TrustedOrigins: trusted})
	trusted[0] = "https://evil.example"
	s.do("POST", "/save", nil, "Origin: https://pay.example.org").want(t, 200, "saved")
	s.do("POST", "/save", nil, "Origin: https://evil.example").want(t, 403, "")
}

type broken struct {
	value string
	err   error
}

var _ scarab.Codec = broken{}

func (b broken) Encode(string, []byte) (string, error) { return b.value, b.err }
func (b broken) Decode(string, string) ([]byte, error) { return nil, b.err }
