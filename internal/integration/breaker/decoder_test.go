package breaker

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"time"

	"pgregory.net/rapid"

	"github.com/scarab-go/scarab"
)

// A decoder reads what is in a record, with the token of its own that it puts
// there. It is a store of one record.
type decoder struct {
	scarab.Store
	rec     scarab.Record
	handler http.Handler
	got     contents
	err     error
}

func newDecoder(rt *rapid.T) *decoder {
	d := &decoder{}
	f, err := scarab.New(scarab.Stored(d), scarab.Config{TouchInterval: scarab.Never})
	if err != nil {
		rt.Fatal(err)
	}
	d.handler = f.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, err := scarab.From(r.Context())
		if d.err = err; err == nil {
			d.got = read(s)
		}
	}))
	return d
}

// Load implements scarab.Store.
func (d *decoder) Load(context.Context, scarab.Handle, time.Time) (scarab.Record, error) {
	return d.rec, nil
}

func (d *decoder) read(r scarab.Record) contents {
	var secret [32]byte
	r.Secret = sha256.Sum256(secret[:])
	r.Expires, r.Deadline, r.Idle = time.Time{}, time.Time{}, scarab.Never
	d.rec, d.got = r, contents{}
	request := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	request.Header.Set("Cookie", cookieName+"="+base64.RawURLEncoding.EncodeToString(append(r.Handle[:], secret[:]...)))
	d.handler.ServeHTTP(httptest.NewRecorder(), request)
	return d.got
}
