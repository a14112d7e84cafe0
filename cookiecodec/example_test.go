package cookiecodec_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/memstore"
)

// A cookie that Pyramid's SignedCookieSessionFactory('seekrit') wrote.
func ExampleNewSigned() {
	codec, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{SecretText: []string{"seekrit"}})
	if err != nil {
		log.Fatal(err)
	}
	payload, err := codec.Decode("session", cookieOfPyramid)
	fmt.Printf("%s, %v\n", payload, err)

	_, err = codec.Decode("session", "A"+cookieOfPyramid[1:])
	fmt.Println(err)
	// Output:
	// [1700000007, 1700000000.25, {"a": 1}], <nil>
	// cookiecodec: value is forged, damaged or of another key
}

// The key is read once, where the program starts. It came from scarab keygen
// and is in a file that only the program can read, or in its environment.
func ExampleNewSealed() {
	key, err := cookiecodec.ParseKey(readSecret("session-key"))
	if err != nil {
		log.Fatal(err)
	}
	keyring, err := cookiecodec.NewKeyring(key)
	if err != nil {
		log.Fatal(err)
	}
	codec, err := cookiecodec.NewSealed(keyring)
	if err != nil {
		log.Fatal(err)
	}

	value, err := codec.Encode("__Host-session", []byte("the browser cannot read this"))
	if err != nil {
		log.Fatal(err)
	}
	payload, err := codec.Decode("__Host-session", value)
	fmt.Printf("%s, %v\n", payload, err)

	_, err = codec.Decode("another-cookie", value)
	fmt.Println(err)
	// Output:
	// the browser cannot read this, <nil>
	// cookiecodec: value is forged, damaged or of another key
}

// A new key comes in last, so that every server can read it before the first
// one writes with it.
func ExampleNewKeyring() {
	older, newer := newKey(), newKey()
	seal := func(keys ...cookiecodec.Key) *cookiecodec.Sealed {
		keyring, err := cookiecodec.NewKeyring(keys...)
		if err != nil {
			log.Fatal(err)
		}
		codec, err := cookiecodec.NewSealed(keyring)
		if err != nil {
			log.Fatal(err)
		}
		return codec
	}
	value, err := seal(older).Encode("session", []byte("payload"))
	if err != nil {
		log.Fatal(err)
	}
	for _, step := range []struct {
		what  string
		codec *cookiecodec.Sealed
	}{
		{"1. newer reads", seal(older, newer)},
		{"2. newer writes", seal(newer, older)},
		{"3. older is dropped", seal(newer)},
	} {
		_, err := step.codec.Decode("session", value)
		fmt.Printf("%s: the old cookie is read: %v\n", step.what, err == nil)
	}
	// Output:
	// 1. newer reads: the old cookie is read: true
	// 2. newer writes: the old cookie is read: true
	// 3. older is dropped: the old cookie is read: false
}

func ExampleParseKey() {
	_, err := cookiecodec.ParseKey("correct horse battery staple")
	fmt.Println(err)

	_, err = cookiecodec.ParseKey("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	var refused *cookiecodec.KeyError
	fmt.Println(errors.As(err, &refused), refused.Reason)
	// Output:
	// cookiecodec: key is refused: not hexadecimal at character 2 of 28; make one with: scarab keygen
	// true low entropy
}

func ExampleSealStore() {
	keyring, err := cookiecodec.NewKeyring(newKey())
	if err != nil {
		log.Fatal(err)
	}
	database := memstore.New()
	store, err := cookiecodec.SealStore(database, keyring)
	if err != nil {
		log.Fatal(err)
	}

	ctx, now := context.Background(), time.Now()
	record := scarab.Record{Version: 1, Created: now, Seen: now, Data: []byte("a diagnosis")}
	if err := store.Create(ctx, record); err != nil {
		log.Fatal(err)
	}
	inDatabase, err := database.Load(ctx, record.Handle, now)
	if err != nil {
		log.Fatal(err)
	}
	loaded, err := store.Load(ctx, record.Handle, now)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("in the database %d bytes, through the store %q\n", len(inDatabase.Data), loaded.Data)

	// Somebody who can write to the database makes himself an administrator.
	inDatabase.Version, inDatabase.Principal = 2, "administrator"
	if err := database.Save(ctx, inDatabase); err != nil {
		log.Fatal(err)
	}
	_, err = store.Load(ctx, record.Handle, now)
	fmt.Println(err)
	// Output:
	// in the database 129 bytes, through the store "a diagnosis"
	// scarab: no session: sealed data is damaged or belongs to something else
}

const cookieOfPyramid = "X9yADGLXmHaVDBAyRB3gbtnhOhk2UTDCU8RRrsbSVK_B-2P9iFGEwQbCkb1Ae6gRXHWv0L" +
	"deJTPaIkmNJL4yvlsxNzAwMDAwMDA3LCAxNzAwMDAwMDAwLjI1LCB7ImEiOiAxfV0"

func newKey() cookiecodec.Key {
	key, err := cookiecodec.GenerateKey(512)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func readSecret(string) string { return newKey().Reveal() }
