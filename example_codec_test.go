package scarab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/scarab-go/scarab"
)

// A Seal is a Codec of one's own: whatever it does, nobody without the key makes
// a value that Decode accepts, and a value of one cookie is worth nothing in
// another.
type Seal struct{ Key []byte }

func (s Seal) sum(name, payload string) string {
	mac := hmac.New(sha256.New, s.Key)
	fmt.Fprintf(mac, "%d %s %s", len(name), name, payload)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Encode implements scarab.Codec.
func (s Seal) Encode(name string, payload []byte) (value string, err error) {
	text := base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + s.sum(name, text), nil
}

// Decode implements scarab.Codec. Its error does not say what is wrong: whoever
// tries values would learn from it.
func (s Seal) Decode(name, value string) (payload []byte, err error) {
	text, sum, _ := strings.Cut(value, ".")
	if !hmac.Equal([]byte(sum), []byte(s.sum(name, text))) {
		return nil, errors.New("broken seal")
	}
	return base64.RawURLEncoding.DecodeString(text)
}

// Sessions in a cookie with a format of one's own. Package cookiecodec has two
// that are ready.
func ExampleCodec() {
	codec := Seal{Key: []byte("64 random bytes, from a file that only the program can read")}
	sessions, err := scarab.New(scarab.InCookie(codec), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	page := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *scarab.Session) error {
		scarab.Key[int]("visits").Update(s, func(n int) int { return n + 1 })
		_, err := fmt.Fprintf(w, "visit %v", s.Get("visits"))
		return err
	})

	ann := visitor(sessions.Wrap(page))
	defer ann.leave()
	fmt.Println(ann.get("/"))
	fmt.Println(ann.get("/"))

	value, _ := codec.Encode("__Host-session", []byte("hello"))
	_, err = codec.Decode("another-cookie", value)
	fmt.Println(err)
	// Output:
	// visit 1
	// visit 2
	// broken seal
}
