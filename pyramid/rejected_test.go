package pyramid

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
)

// A session whose pickle is refused is a new one, in every format, and the
// event says what the pickle had: somebody has to find what puts it there.
func TestRejected_pickles(t *testing.T) {
	const secret = "a secret"
	const decimal = "cdecimal\nDecimal\n(S'1'\ntR"
	values := map[string]struct{ pickle, reason string }{
		"a Decimal":         {decimal, `pickle names "Decimal" of "decimal", which is no plain data`},
		"a call of code":    {"cposix\nsystem\n(S'true'\ntR", `pickle names "system" of "posix", which is no plain data`},
		"an object":         {"(i__main__\nUser\n", "pickle has opcode 0x69, which plain data does not need: it would call or build something"},
		"a persistent id":   {"Pid\n", "pickle has opcode 0x50, which plain data does not need: it would call or build something"},
		"an extension":      {"\x82\x01", "pickle has opcode 0x82, which plain data does not need: it would call or build something"},
		"2 GB that are not": {"X\xff\xff\xff\x7fabcd", "pickle ends too early"},
		"references":        {"X\x00\x04\x00\x00" + strings.Repeat("a", 1024) + strings.Repeat("2\x86", 40), "values that are shared make it too large"},
		"300 lists":         {strings.Repeat("]", 300) + strings.Repeat("a", 299), "nested more than 200 deep"},
		"plain data":        {"}", ""},
	}
	key := make([]byte, 32)
	client, _ := redisClient(t)
	put := func(key, pickle string) {
		if err := client.Do(t.Context(), client.B().Set().Key(key).Value(rueidis.BinaryString([]byte(pickle))).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	// Each format puts a value into a session as Python does, and returns the
	// backend and the cookie.
	inCookie := func(c InspectConfig) func(t *testing.T, value string) (scarab.Backend, string) {
		return func(t *testing.T, value string) (scarab.Backend, string) {
			codec, _, err := c.codec()
			if err != nil {
				t.Fatal(err)
			}
			cookie, err := codec.Encode("session", []byte("\x80\x02(J\x00\xf1SeJ\x00\xf1Se}S'k'\n"+value+"st."))
			if err != nil {
				t.Fatal(err)
			}
			return backendOf(t, c), cookie
		}
	}
	beakerDict := func(value string) string {
		return "\x80\x02}(S'_creation_time'\nJ\x00\xf1SeS'_accessed_time'\nJ\x00\xf1SeS'k'\n" + value + "u"
	}
	formats := map[string]func(t *testing.T, value string) (scarab.Backend, string){
		"signed-pickle": inCookie(InspectConfig{Format: "signed-pickle", Secrets: []string{secret}}),
		"unencrypted":   inCookie(InspectConfig{Format: "unencrypted", Secrets: []string{secret}}),
		"nacl-pickle":   inCookie(InspectConfig{Format: "nacl-pickle", Key: key}),
		"beaker-cookie": func(t *testing.T, value string) (scarab.Backend, string) {
			b, err := BeakerCookie(BeakerConfig{ValidateKey: secret})
			if err != nil {
				t.Fatal(err)
			}
			rest := base64.StdEncoding.EncodeToString([]byte(beakerDict(value) + "."))
			return b, sumSHA1([]byte(secret), []byte(rest)) + rest
		},
		"beaker on Redis": func(t *testing.T, value string) (scarab.Backend, string) {
			b, err := Beaker(BeakerRedis(client), BeakerConfig{Secrets: []string{secret}, Legacy: true})
			if err != nil {
				t.Fatal(err)
			}
			put("beaker_cache:0123456789abcdef:session", beakerDict(value)+".")
			return b, sumSHA1([]byte(secret), []byte("0123456789abcdef")) + "0123456789abcdef"
		},
		"redis-sessions": func(t *testing.T, value string) (scarab.Backend, string) {
			c := RedisConfig{Secrets: []string{secret}}
			b, err := RedisSessions(client, c)
			if err != nil {
				t.Fatal(err)
			}
			put("an id", "\x80\x02}(S'managed_dict'\n}S'k'\n"+value+"sS'created'\nJ\x00\xf1SeS'timeout'\nK\x3cu.")
			cookie, _ := c.cookie()
			sealed, err := cookie.seal("an id")
			if err != nil {
				t.Fatal(err)
			}
			return b, sealed
		},
		"redis-sessions-fork": func(t *testing.T, value string) (scarab.Backend, string) {
			c := RedisConfig{Secrets: []string{secret}}
			b, err := RedisSessionsFork(client, c)
			if err != nil {
				t.Fatal(err)
			}
			put("an id", "\x80\x02}(S'm'\n}S'k'\n"+value+"sS'c'\nJ\x00\xf1SeS'v'\nK\x01S't'\nM\x00\x05u.")
			cookie, _ := c.forkCookie()
			sealed, err := cookie.seal("an id")
			if err != nil {
				t.Fatal(err)
			}
			return b, sealed
		},
	}
	for format, make := range formats {
		for name, v := range values {
			t.Run(format+"/"+name, func(t *testing.T) {
				b, cookie := make(t, v.pickle)
				a := newApp(t, b)
				a.cookie = cookie
				a.now = a.now.Add(1) // after what is above
				w := a.visit(func(s *scarab.Session) {
					if (v.reason == "") != s.Has("k") {
						t.Errorf("the session has %v", s.Keys())
					}
				})
				if w.Code != http.StatusOK {
					t.Errorf("status %d", w.Code)
				}
				if v.reason == "" { // what is around it is right
					return
				}
				if len(a.events) != 1 || a.events[0].Kind != scarab.EventRejected || a.events[0].Reason != v.reason {
					t.Errorf("events %+v, want one with the reason %q", a.events, v.reason)
				}
			})
		}
	}
}

// An id cookie's pickle is data, too.
func TestRejected_pickledID(t *testing.T) {
	client, _ := redisClient(t)
	c := RedisConfig{Secrets: []string{"a secret"}}
	b, err := RedisSessions(client, c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSigner(c.Secrets)
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, b)
	a.cookie, err = s.Encode("", []byte("cposix\nsystem\n(S'true'\ntR."))
	if err != nil {
		t.Fatal(err)
	}
	a.visit(func(s *scarab.Session) {
		if !s.IsNew() {
			t.Error("the session is not new")
		}
	})
	const want = `pickle names "system" of "posix", which is no plain data`
	if len(a.events) != 1 || a.events[0].Reason != want {
		t.Errorf("events %+v, want the reason %q", a.events, want)
	}
}
