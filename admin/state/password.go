package state

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Parameters of argon2id for new passwords; those of an old one are written
// beside its hash.
//
// Source: OWASP Password Storage Cheat Sheet.
const (
	hashMemory  = 19 << 10 // KiB
	hashTime    = 2
	hashThreads = 1
	hashLength  = 32

	// hashesAtOnce bounds the memory that many logins take together.
	hashesAtOnce = 4
)

// Bounds of a password, in characters.
//
// Source: OWASP ASVS 5.0, 6.2.1: at least 8, and 15 are recommended, which
// NIST SP 800-63B-4 asks for where the password is the only factor.
const (
	MinPassword  = 8
	GoodPassword = 15
	MaxPassword  = 256
)

// A PasswordError says why a password is not taken.
type PasswordError struct{ Reason string }

func (e *PasswordError) Error() string { return "the password " + e.Reason }

func checkPassword(name, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return &PasswordError{"is not valid UTF-8"}
	case n < MinPassword:
		return &PasswordError{fmt.Sprintf("has %d characters; at least %d are needed, and a sentence is fine", n, MinPassword)}
	case n > MaxPassword:
		return &PasswordError{fmt.Sprintf("has %d characters; at most %d are taken", n, MaxPassword)}
	case strings.Count(password, password[:1]) == len(password):
		return &PasswordError{"is one character again and again"}
	case strings.Contains(strings.ToLower(password), strings.ToLower(name)) && n < len(name)+4:
		return &PasswordError{"is little more than the name"}
	}
	return nil
}

// hash returns the password's hash in the form that argon2's own tools write.
func (d *DB) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	sum, err := d.argon2id(ctx, password, salt, hashTime, hashMemory, hashThreads, hashLength)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

func (d *DB) argon2id(ctx context.Context, password string, salt []byte, time, memory uint32, threads uint8, length uint32) ([]byte, error) {
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-d.slots }()
	return argon2.IDKey([]byte(password), salt, time, memory, threads, length), nil
}

var errHash = errors.New("state: a password hash in the database is damaged")

// matches reports whether the password has that hash.
func (d *DB) matches(ctx context.Context, password, encoded string) (bool, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errHash
	}
	var memory, time uint32
	var threads uint8
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); n != 3 || err != nil || memory > 1<<20 || time < 1 || time > 100 || threads < 1 {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errHash
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 || len(want) > 128 {
		return false, errHash
	}
	got, err := d.argon2id(ctx, password, salt, time, memory, threads, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
