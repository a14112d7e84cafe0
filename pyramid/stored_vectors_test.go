package pyramid

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/rueidis"
	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
)

// beakerOptions are the options of a Beaker vector.
type beakerOptions struct {
	Type           string
	DataSerializer string  `json:"data_serializer"`
	EncryptKey     string  `json:"encrypt_key"`
	ValidateKey    string  `json:"validate_key"`
	CryptoType     string  `json:"crypto_type"`
	NonceBits      int     `json:"encrypt_nonce_bits"`
	Timeout        float64 `json:"timeout"`
	CookieDomain   string  `json:"cookie_domain"`
	CookiePath     string  `json:"cookie_path"`
	SaveAccessed   *bool   `json:"save_accessed_time"`
	CookieOnError  *bool   `json:"cookie_on_exception"`
}

func (v vector) beaker(t testing.TB, legacy bool) BeakerConfig {
	t.Helper()
	var o beakerOptions
	v.get(t, "options", &o)
	c := BeakerConfig{
		Legacy: legacy, Serializer: Serializer(o.DataSerializer), EncryptKey: o.EncryptKey, ValidateKey: o.ValidateKey,
		Crypto: BeakerCrypto(o.CryptoType), NonceBits: o.NonceBits, Timeout: time.Duration(o.Timeout * 1e9),
		Domain: o.CookieDomain, Path: o.CookiePath,
	}
	if c.Timeout == 0 {
		c.Timeout = scarab.Never
	}
	if secret := v.text(t, "secret"); secret != "" {
		c.Secrets = []string{secret}
	} else {
		c.InsecureUnsignedID = true
	}
	return c
}

// beakerApp is an application on a Beaker storage.
func beakerApp(t testing.TB, s BeakerStorage, c BeakerConfig) *app {
	t.Helper()
	b, err := Beaker(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return newApp(t, b, func(cfg *scarab.Config) {
		cfg.Cookie.Name = "beaker.session.id"
		cfg.IdleTimeout = c.Timeout
	})
}

// shownState is what an application finds in its session, in the exact
// notation.
func shownState(t testing.TB, s *scarab.Session) string {
	t.Helper()
	dict := new(pyDict)
	for key := range s.Keys() {
		raw, err := scarab.Key[json.RawMessage](key).Lookup(s)
		if err != nil {
			t.Fatalf("%q: %v", key, err)
		}
		value, err := parseJSON(raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := dict.setShown(key, value); err != nil {
			t.Fatal(err)
		}
	}
	return exact(t, dict)
}

// withoutOwn takes Beaker's own keys out of a session in the exact notation.
func withoutOwn(t testing.TB, session json.RawMessage) string {
	t.Helper()
	dict, ok := typed(t, session).(*pyDict)
	if !ok {
		t.Fatalf("%s is no session", session)
	}
	_, c, err := stateOf(dict, false, beakerDomain, beakerPath, beakerAccessed, beakerCreated, beakerCookieID, beakerExpires)
	if err != nil {
		t.Fatal(err)
	}
	return exact(t, c.dict)
}

func redisGet(t testing.TB, client rueidis.Client, key string) []byte {
	t.Helper()
	raw, err := client.Do(t.Context(), client.B().Get().Key(key).Build()).AsBytes()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func redisSet(t testing.TB, client rueidis.Client, key string, value []byte) {
	t.Helper()
	if err := client.Do(t.Context(), client.B().Set().Key(key).Value(rueidis.BinaryString(value)).Build()).Error(); err != nil {
		t.Fatal(err)
	}
}

func redisTTL(t testing.TB, client rueidis.Client, key string) int64 {
	t.Helper()
	ms, err := client.Do(t.Context(), client.B().Pttl().Key(key).Build()).AsInt64()
	if err != nil {
		t.Fatal(err)
	}
	if ms < 0 {
		return ms
	}
	return (ms + 999) / 1000
}

// What the original stored is read, and what a read leaves in the store is what
// the original leaves there.
func TestBeakerRedis_vectors(t *testing.T) {
	client, _ := redisClient(t)
	for _, generation := range []string{"modern", "legacy"} {
		file := "beaker_redis_" + generation
		n := 0
		for _, v := range vectors(t, file, 49) {
			t.Run(generation+"/"+v.ID, func(t *testing.T) {
				v.compared()
				c := v.beaker(t, generation == "legacy")
				a := beakerApp(t, BeakerRedis(client), c)
				a.now = v.when(t, "read_at")
				key := v.text(t, "key")
				client.Do(t.Context(), client.B().Flushdb().Build())
				if v.raw["value_b64"] != nil && string(v.raw["value_b64"]) != "null" {
					redisSet(t, client, key, v.bytes(t, "value_b64"))
				}
				cookie, err := beakerID{[][]byte{[]byte(c.Secrets[0])}}.seal(v.text(t, "session_id"))
				if err != nil {
					t.Fatal(err)
				}
				var want struct {
					Session json.RawMessage
					New     bool
					Error   string
				}
				v.get(t, "expect", &want)
				isNew, state := false, ""
				w := a.do("beaker.session.id="+cookie, func(_ http.ResponseWriter, s *scarab.Session) {
					isNew, state = s.IsNew(), shownState(t, s)
				})
				if w.Code != 200 {
					t.Errorf("status %d", w.Code)
				}
				if reason := better[file+"/"+v.ID]; reason != "" {
					if isNew == (want.New || want.Error != "") {
						t.Error("is as the original: take it off the list")
					}
					return
				}
				if isNew != (want.New || want.Error != "") {
					t.Fatalf("new is %v, want %s%s (%v)", isNew, v.raw["expect"], want.Error, a.events)
				}
				if isNew {
					return
				}
				n++
				if wantState := withoutOwn(t, want.Session); state != wantState {
					t.Errorf("state\ngot  %s\nwant %s", state, wantState)
				}
				value, err := unpickle(redisGet(t, client, key))
				if err != nil {
					t.Fatal(err)
				}
				if _, isText := value.(string); isText == (c.Legacy && c.EncryptKey == "") {
					t.Errorf("the other generation's value was stored")
				}
				data, _ := c.data()
				dict, err := data.open(value)
				if err != nil {
					t.Fatal(err)
				}
				if !sameJSON(t, []byte(exact(t, dict)), want.Session) {
					t.Errorf("stored\ngot  %s\nwant %s", exact(t, dict), want.Session)
				}
				wantTTL := int64(-1)
				if c.Timeout != scarab.Never {
					wantTTL = int64(c.Timeout/time.Second) + 120
				}
				if ttl := redisTTL(t, client, key); ttl != wantTTL {
					t.Errorf("TTL %d with timeout %v", ttl, c.Timeout)
				}
			})
		}
		if n < 20 {
			t.Errorf("%s: only %d cases", file, n)
		}
	}
}

func TestBeakerFiles_vectors(t *testing.T) {
	for _, generation := range []string{"modern", "legacy"} {
		for _, v := range vectors(t, "beaker_file_"+generation, 13) {
			t.Run(generation+"/"+v.ID, func(t *testing.T) {
				v.compared()
				c := v.beaker(t, generation == "legacy")
				dir := t.TempDir()
				var files map[string]string
				v.get(t, "files", &files)
				for name, text := range files {
					data, err := base64.StdEncoding.DecodeString(text)
					name = filepath.Join(dir, name)
					if err == nil {
						err = os.MkdirAll(filepath.Dir(name), 0o777)
					}
					if err == nil {
						err = os.WriteFile(name, data, 0o666)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				a := beakerApp(t, BeakerFiles(dir), c)
				a.now = v.when(t, "read_at")
				a.cookie, _ = beakerID{[][]byte{[]byte(c.Secrets[0])}}.seal(v.text(t, "session_id"))
				var want struct{ Session json.RawMessage }
				v.get(t, "expect", &want)
				a.visit(func(s *scarab.Session) {
					if got, want := shownState(t, s), withoutOwn(t, want.Session); got != want {
						t.Errorf("state\ngot  %s\nwant %s", got, want)
					}
				})
				raw, err := os.ReadFile(filepath.Join(dir, v.text(t, "data_file")))
				if err != nil {
					t.Fatal(err)
				}
				value, err := unwrap(raw)
				if err != nil {
					t.Fatal(err)
				}
				data, _ := c.data()
				dict, err := data.open(value)
				if err != nil || !sameJSON(t, []byte(exact(t, dict)), want.Session) {
					t.Errorf("stored\ngot  %s, %v\nwant %s", exact(t, dict), err, want.Session)
				}
				// Go used the files that Beaker made, and made no others.
				var names []string
				filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
					if err == nil && !d.IsDir() {
						names = append(names, path)
					}
					return err
				})
				if len(names) != len(files) {
					t.Errorf("%d files, want those of %v", len(names), files)
				}
			})
		}
	}
}

// mongodb and dbm are storages that this package does not have.
var otherStorages = map[string]bool{"ext:mongodb": true, "dbm": true}

func TestBeakerStorages_vectors(t *testing.T) {
	maySkip(t)
	memcached := memcache.New(testserver.Memcached(t).Addr)
	for _, generation := range []string{"modern", "legacy"} {
		for _, v := range vectors(t, "beaker_backends_"+generation, 10) {
			if otherStorages[v.text(t, "backend")] {
				continue
			}
			v.compared()
			t.Run(generation+"/"+v.ID, func(t *testing.T) {
				v.raw["secret"] = json.RawMessage(`"a secret"`)
				c := v.beaker(t, generation == "legacy")
				a := (*app)(nil)
				switch v.text(t, "backend") {
				case "ext:memcached":
					var flags uint32
					v.get(t, "flags", &flags)
					if err := memcached.Set(&memcache.Item{Key: v.text(t, "key"), Flags: flags, Value: v.bytes(t, "value_b64")}); err != nil {
						t.Fatal(err)
					}
					a = beakerApp(t, BeakerMemcached(memcached), c)
				case "ext:database":
					var row struct{ Namespace, Accessed, Created, Data string }
					v.get(t, "row", &row)
					data, _ := base64.StdEncoding.DecodeString(row.Data)
					db, _ := sqliteFile(t)
					_, err := db.Exec(v.text(t, "create_table"))
					if err == nil {
						_, err = db.Exec("INSERT INTO beaker_cache (namespace, accessed, created, data) VALUES (?, ?, ?, ?)", row.Namespace, row.Accessed, row.Created, data)
					}
					if err != nil {
						t.Fatal(err)
					}
					a = beakerApp(t, BeakerSQL(db, BeakerTable{}), c)
				default:
					t.Fatalf("backend %s", v.raw["backend"])
				}
				a.now = v.when(t, "time").Add(5500 * time.Millisecond)
				a.cookie, _ = beakerID{[][]byte{[]byte("a secret")}}.seal(v.text(t, "session_id"))
				for range 2 { // what the first request wrote, the second reads
					a.visit(func(s *scarab.Session) {
						if got, want := shownState(t, s), exact(t, v.value(t, "state")); got != want {
							t.Errorf("state\ngot  %s\nwant %s", got, want)
						}
						if !s.Created().Equal(v.when(t, "time")) {
							t.Errorf("created %v", s.Created())
						}
					})
					a.now = a.now.Add(time.Second)
				}
				if v.text(t, "backend") == "ext:memcached" {
					var flags uint32
					v.get(t, "flags", &flags)
					if item, err := memcached.Get(v.text(t, "key")); err != nil || item.Flags != flags {
						t.Errorf("%v, %v: want flags %d", item, err, flags)
					}
				}
			})
		}
	}
}

func TestBeakerCookie_vectors(t *testing.T) {
	n := 0
	for _, v := range vectors(t, "beaker_cookie_session", 92) {
		if v.Kind == "size" {
			continue // in TestBeakerCookie_sizes
		}
		t.Run(v.ID, func(t *testing.T) {
			c := v.beaker(t, false)
			b, err := BeakerCookie(c)
			if err != nil {
				t.Fatal(err)
			}
			a := newApp(t, b, func(cfg *scarab.Config) {
				cfg.Cookie.Name = "beaker.session.id"
				cfg.IdleTimeout = c.Timeout
			})
			if v.raw["read_at"] == nil { // only what was written is known
				v.raw["read_at"] = v.raw["time"]
				v.raw["expect"], v.raw["expect_legacy"] = v.raw["layers"], v.raw["layers_legacy"]
			}
			a.now = v.when(t, "read_at")
			type expectation struct {
				Session json.RawMessage
				Error   string
			}
			for _, cookie := range []string{"cookie_value", "cookie_value_legacy", "cookie_header"} {
				value := v.text(t, cookie)
				if value == "" {
					continue
				}
				v.compared()
				value = lastCookie("beaker.session.id="+strings.TrimPrefix(value, "beaker.session.id="), "beaker.session.id")
				expect := "expect"
				if strings.HasSuffix(cookie, "legacy") {
					expect = "expect_legacy"
				}
				var want expectation
				v.get(t, expect, &want)
				isNew, state := false, ""
				w := a.do("beaker.session.id="+value, func(_ http.ResponseWriter, s *scarab.Session) {
					isNew, state = s.IsNew(), shownState(t, s)
				})
				wantState := ""
				if want.Error == "" {
					wantState = withoutOwn(t, want.Session)
				}
				// A session without keys of the application is a new one where
				// the cookie was no good.
				wantNew := want.Error != "" || wantState == "{}"
				if isNew != wantNew {
					t.Errorf("%s: new is %v, want %s", cookie, isNew, v.raw[expect])
				}
				if isNew {
					continue
				}
				n++
				if state != wantState {
					t.Errorf("state\ngot  %s\nwant %s", state, wantState)
				}
				reissued, ok := a.setCookie(w)
				if !ok {
					if a.now.Equal(v.when(t, "time")) {
						continue // nothing to say
					}
					t.Fatal("not reissued")
				}
				report, err := Inspect(a.now, InspectConfig{
					Format: "beaker-cookie", Secrets: []string{c.ValidateKey}, Key: []byte(c.EncryptKey),
					Crypto: c.Crypto, NonceBits: c.NonceBits, Serializer: c.Serializer, Timeout: scarab.Never,
				}, reissued)
				if err != nil || !report.Accepted() || report.ID == "" {
					t.Fatalf("%v, %v", report, err)
				}
				if !sameJSON(t, report.State, want.Session) {
					t.Errorf("stored\ngot  %s\nwant %s", report.State, want.Session)
				}
			}
		})
	}
	if n < 28 {
		t.Errorf("only %d cases", n)
	}
}

// Beaker's limit is above that of browsers, who drop what it stores then: the
// longest session here is a little shorter.
func TestBeakerCookie_sizes(t *testing.T) {
	n := 0
	for _, v := range vectors(t, "beaker_cookie_session", 92) {
		if v.Kind != "size" {
			continue
		}
		v.compared()
		n++
		c := v.beaker(t, false)
		b, err := BeakerCookie(c)
		if err != nil {
			t.Fatal(err)
		}
		var state map[string]string
		v.get(t, "state", &state)
		for _, less := range []int{0, 40} {
			a := newApp(t, b, func(cfg *scarab.Config) {
				cfg.Cookie.Name = "beaker.session.id"
				cfg.IdleTimeout = c.Timeout
			})
			w := a.do("", func(_ http.ResponseWriter, s *scarab.Session) { s.Set("x", state["x"][less:]) })
			value, ok := a.setCookie(w)
			if ok != (less > 0) || ok != (w.Code == 200) || len(a.name)+len(value) > maxCookie {
				t.Errorf("%s, %d letters less: status %d, a value of %d characters", v.ID, less, w.Code, len(value))
			}
		}
	}
	if n != 2 {
		t.Errorf("%d cases", n)
	}
}

func TestBeakerID_vectors(t *testing.T) {
	for _, v := range vectors(t, "beaker_id_cookie", 46) {
		cookie, err := v.beaker(t, false).idCookie()
		if err != nil {
			t.Fatal(err)
		}
		switch v.Kind {
		case "sign":
			v.compared()
			value, err := cookie.seal(v.text(t, "session_id"))
			if err != nil || value != v.text(t, "cookie_value") {
				t.Errorf("%s: %s, %v", v.ID, value, err)
			}
			if id, err := cookie.open(value); err != nil || id != v.text(t, "session_id") {
				t.Errorf("%s: %s, %v", v.ID, id, err)
			}
		case "read":
			v.compared()
			var want struct {
				ID   string `json:"session_id"`
				Kept bool
			}
			v.get(t, "expect", &want)
			id, err := cookie.open(lastCookie(v.text(t, "cookie_header"), "beaker.session.id"))
			switch {
			case v.Lenient: // what Python's parser makes of a neighbour is not copied
				if err != nil || id != "b36e665c833ad1deb76e64e7f8e0d1c2" {
					t.Errorf("%s: %q, %v", v.ID, id, err)
				}
			case better["beaker_id_cookie/"+v.ID] != "":
				if err == nil == want.Kept {
					t.Errorf("%s is as the original: take it off the list", v.ID)
				}
			case want.Kept && (err != nil || id != want.ID), !want.Kept && err == nil:
				t.Errorf("%s: %q, %v, want %s", v.ID, id, err, v.raw["expect"])
			}
		}
	}
}

// redisKey is one key of a vector's step.
type redisKey struct {
	Key     string
	Value   []byte `json:"value_b64"`
	Decoded json.RawMessage
	TTL     *int64
}

func restore(t testing.TB, client rueidis.Client, keys []redisKey) {
	t.Helper()
	client.Do(t.Context(), client.B().Flushdb().Build())
	for _, k := range keys {
		redisSet(t, client, k.Key, k.Value)
		if k.TTL != nil {
			client.Do(t.Context(), client.B().Expire().Key(k.Key).Seconds(*k.TTL).Build())
		}
	}
}

// What pyramid_redis_sessions stored is read, changed and stored as it would.
func TestRedisSessions_vectors(t *testing.T) {
	client, _ := redisClient(t)
	for _, v := range vectors(t, "redis_sessions", 35) {
		if v.Kind != "state" {
			continue
		}
		v.compared()
		t.Run(v.ID, func(t *testing.T) {
			b, err := RedisSessions(client, RedisConfig{Secrets: []string{v.text(t, "secret")}})
			if err != nil {
				t.Fatal(err)
			}
			var keys []redisKey
			v.get(t, "keys", &keys)
			restore(t, client, keys)
			a := newApp(t, b)
			a.now = v.when(t, "created").Add(time.Minute)
			a.cookie = v.text(t, "cookie_value")
			want := v.value(t, "state").(*pyDict)
			a.visit(func(s *scarab.Session) {
				if got, want := shownState(t, s), exact(t, want); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if !s.Created().Equal(v.when(t, "created")) {
					t.Errorf("created %v", s.Created())
				}
				s.Set("from go", []int{1})
			})
			value, err := unpickle(redisGet(t, client, keys[0].Key))
			if err != nil {
				t.Fatal(err)
			}
			want.put("from go", &pyList{[]any{int64(1)}})
			outer := new(pyDict).put("managed_dict", want).put("created", v.value(t, "created")).put("timeout", v.value(t, "timeout"))
			if got, want := exact(t, value), exact(t, outer); got != want {
				t.Errorf("stored\ngot  %s\nwant %s", got, want)
			}
			if ttl := redisTTL(t, client, keys[0].Key); strconv.FormatInt(ttl, 10) != string(v.raw["timeout"]) {
				t.Errorf("TTL %d, want %s", ttl, v.raw["timeout"])
			}
			report, err := Inspect(a.now, InspectConfig{Format: "redis-sessions", Secrets: []string{v.text(t, "secret")}}, a.cookie)
			if err != nil || report.ID != v.text(t, "session_id") {
				t.Errorf("Inspect: %v, %v", report, err)
			}
		})
	}
}

// What pyramid_session_redis stored is read, changed and stored as it would.
func TestRedisSessionsFork_vectors(t *testing.T) {
	client, _ := redisClient(t)
	n := 0
	for _, v := range vectors(t, "redis_sessions_fork", 30) {
		var steps []struct {
			SetCookie []string `json:"set_cookie"`
			Keys      []redisKey
			Attr      struct {
				ID string `json:"session_id"`
			} `json:"attributes"`
		}
		v.get(t, "steps", &steps)
		if v.ID == "state-empty" {
			v.compared()
			b, err := RedisSessionsFork(client, RedisConfig{Secrets: []string{v.text(t, "secret")}})
			if err != nil {
				t.Fatal(err)
			}
			restore(t, client, nil)
			a := newApp(t, b)
			for _, step := range steps {
				w := a.visit(func(s *scarab.Session) {
					if !s.IsNew() || s.Len() != 0 {
						t.Errorf("%s: not empty", v.ID)
					}
				})
				keys, err := client.Do(t.Context(), client.B().Keys().Pattern("*").Build()).AsStrSlice()
				if err != nil || len(keys) != len(step.Keys) || len(w.Header()["Set-Cookie"]) != len(step.SetCookie) {
					t.Errorf("%s: keys %q, %v, cookies %q", v.ID, keys, err, w.Header()["Set-Cookie"])
				}
			}
			continue
		}
		if len(steps[0].Keys) != 1 || len(steps[0].SetCookie) != 1 || strings.HasPrefix(v.ID, "cookie-options") {
			continue
		}
		n++
		v.compared()
		t.Run(v.ID, func(t *testing.T) {
			first := steps[0]
			var options struct {
				NoTTL     *bool `json:"set_redis_ttl"`
				NoExpires *bool `json:"python_expires"`
				NoLRU     *bool `json:"assume_redis_lru"`
			}
			v.get(t, "options", &options)
			c := RedisConfig{Secrets: []string{v.text(t, "secret")}, NoTTL: options.NoTTL != nil, NoExpires: options.NoExpires != nil}
			b, err := RedisSessionsFork(client, c)
			if err != nil {
				t.Fatal(err)
			}
			restore(t, client, first.Keys)
			before := typed(t, first.Keys[0].Decoded).(*pyDict)
			a := newApp(t, b)
			a.now = time.Unix(1700000001, 250e6)
			a.cookie = strings.TrimPrefix(strings.Split(first.SetCookie[0], ";")[0], "session=")
			want := before.get("m").(*pyDict)
			a.visit(func(s *scarab.Session) {
				if got, want := shownState(t, s), exact(t, want); got != want {
					t.Errorf("got  %s\nwant %s (%v)", got, want, a.events)
				}
				s.Set("from go", true)
			})
			value, err := unpickle(redisGet(t, client, first.Keys[0].Key))
			if err != nil {
				t.Fatal(err)
			}
			want.put("from go", true)
			if x, ok := before.lookup("x"); ok { // the next second, and t of it
				before.put("x", int64(1700000002)+before.get("t").(int64))
				_ = x
			}
			if got, want := exact(t, value), exact(t, before); !sameJSON(t, []byte(got), []byte(want)) {
				t.Errorf("stored\ngot  %s\nwant %s", got, want)
			}
			wantTTL := int64(-1)
			if first.Keys[0].TTL != nil {
				wantTTL = *first.Keys[0].TTL
			}
			if ttl := redisTTL(t, client, first.Keys[0].Key); ttl != wantTTL {
				t.Errorf("TTL %d, want %d", ttl, wantTTL)
			}
			report, err := Inspect(a.now, InspectConfig{Format: "redis-sessions-fork", Secrets: c.Secrets}, a.cookie)
			if err != nil || report.ID != first.Attr.ID {
				t.Errorf("Inspect: %v, %v", report, err)
			}
		})
	}
	if n < 18 {
		t.Errorf("only %d cases", n)
	}
}
