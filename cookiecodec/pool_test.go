package cookiecodec

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/scarab-go/scarab"
)

// What Encode and Decode have returned is the caller's alone: whatever the
// next calls do with the buffers that are used again, it stays as it is. Here
// they write poison into all of a buffer, and the race detector watches who
// still reads it.
func TestPools_poisoned(t *testing.T) {
	ring, err := NewKeyring(newTestKey(t))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := NewSealed(ring)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := NewSigned(SignedConfig{Secrets: [][]byte{[]byte("64 random bytes, or nearly so: this is a test and no more")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		codec  scarab.Codec
		poison func()
	}{
		{"Sealed", sealed, func() {
			buf := sealed.bufs.Get().(*[]byte)
			fill(*buf)
			sealed.bufs.Put(buf)
			k := sealed.sealer.keys[0]
			w := k.get()
			fill(w.fields)
			fill(w.out[:])
			fill(w.info[:])
			k.put(w)
		}},
		{"Signed", signed, func() {
			m := signed.macs[0].get()
			m.Write([]byte("what another request has left"))
			fill(m.buf)
			signed.macs[0].put(m)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var all sync.WaitGroup
			for n := range 8 {
				all.Go(func() {
					var payloads [][]byte
					var values, copies []string
					for i := range 100 {
						payload := bytes.Repeat(fmt.Appendf(nil, "session %d, %d. ", n, i), 1+i%40)
						value, err := test.codec.Encode("name", payload)
						if err != nil {
							t.Error(err)
							return
						}
						copies = append(copies, strings.Clone(value))
						test.poison()
						got, err := test.codec.Decode("name", value)
						if err != nil || !bytes.Equal(got, payload) {
							t.Errorf("%q is decoded as %q, %v", payload, got, err)
							return
						}
						test.poison()
						values, payloads = append(values, value), append(payloads, got)
					}
					for i, payload := range payloads {
						want := bytes.Repeat(fmt.Appendf(nil, "session %d, %d. ", n, i), 1+i%40)
						if values[i] != copies[i] || !bytes.Equal(payload, want) {
							t.Errorf("%d: %q has become %q, its value %q", i, want, payload, values[i])
						}
					}
				})
			}
			all.Wait()
		})
	}
}

func fill(buf []byte) {
	buf = buf[:cap(buf)]
	for i := range buf {
		buf[i] = 0xdb
	}
}
