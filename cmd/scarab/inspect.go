package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/pyramid"
)

// An inspection is what inspect was asked.
type inspection struct {
	format, secret, salt, hash, key, name string
	noSalt                                bool
	cookie                                string
	now                                   time.Time
	timeout                               time.Duration // scarab.Never: none

	crypto, serializer string // of Beaker's cookies
	nonceBits          int
}

// A verdict is what inspect prints.
type verdict = pyramid.Report

// inspectors read the cookies of scarab's own backends. Those of Pyramid's
// formats are read by package pyramid.
var inspectors = map[string]func(context.Context, *inspection) (verdict, error){
	"signed": inspectSigned,
	"sealed": inspectSealed,
}

func formats() string {
	list := []string{"signed", "sealed"}
	for _, f := range pyramid.Formats {
		if inspectors[f] == nil {
			list = append(list, f)
		}
	}
	return strings.Join(list, ", ")
}

// inspect tells what is in a session cookie.
func inspect(flags *flag.FlagSet) func(context.Context, streams, []string) error {
	var in inspection
	var now, timeout string
	flags.StringVar(&in.format, "format", "", "`format` of the cookie: "+formats())
	flags.StringVar(&in.secret, "secret", "", "`secret` the cookie is signed with; of Beaker its validate_key")
	flags.StringVar(&in.salt, "salt", "", "`salt` of the signature (default \"pyramid.session.\")")
	flags.StringVar(&in.hash, "hash", "sha512", "hash `function` of the signature")
	flags.StringVar(&in.key, "key", "", "`key` the cookie is sealed or encrypted with, in hexadecimal as keygen prints it")
	flags.StringVar(&in.crypto, "crypto", "", "crypto_type of beaker-cookie: pycrypto or cryptography (default: not encrypted)")
	flags.IntVar(&in.nonceBits, "nonce-bits", 128, "encrypt_nonce_bits of beaker-cookie: 128 or 48")
	flags.StringVar(&in.serializer, "serializer", "", "data_serializer of beaker-cookie: pickle or json (default \"pickle\")")
	flags.StringVar(&in.name, "name", "__Host-session", "`name` of the cookie, which a sealed one is bound to")
	flags.StringVar(&now, "now", "", "`time` to judge by, in seconds of Unix time (default: now)")
	flags.StringVar(&timeout, "timeout", "1200", "how many `seconds` a session lives unused, or none")
	return func(ctx context.Context, s streams, args []string) error {
		flags.Visit(func(f *flag.Flag) { in.noSalt = in.noSalt || f.Name == "salt" && in.salt == "" })
		var err error
		if in.now, err = parseNow(now); err != nil {
			return err
		}
		if in.timeout, err = parseTimeout(timeout); err != nil {
			return err
		}
		if in.cookie, err = cookieArgument(s.in, args); err != nil {
			return err
		}
		read := inspectors[in.format]
		switch {
		case read != nil:
		case slices.Contains(pyramid.Formats, in.format):
			read = inspectPyramid
		default:
			return &usageError{fmt.Sprintf("--format %q is not known", in.format), "use one of " + formats()}
		}
		v, err := read(ctx, &in)
		if err != nil {
			return err
		}
		out := json.NewEncoder(s.out)
		out.SetEscapeHTML(false)
		if err := out.Encode(v); err != nil {
			return err
		}
		if v.Verdict != "accept" {
			return errRejected
		}
		return nil
	}
}

func parseNow(s string) (time.Time, error) {
	if s == "" {
		return time.Now(), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(math.Abs(f) < 1e11) { // which NaN is not
		return time.Time{}, &usageError{fmt.Sprintf("--now %q is no time", s), "give seconds since 1970, such as 1700000000 or 1700000000.5"}
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000).UTC(), nil
}

func parseTimeout(s string) (time.Duration, error) {
	if s == "none" {
		return scarab.Never, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f < 1e9) {
		return 0, &usageError{fmt.Sprintf("--timeout %q is no number of seconds", s), "give seconds, such as 1200, or none"}
	}
	return time.Duration(math.Round(f * 1e9)), nil
}

// maxCookieInput is more than any server lets through in a header.
const maxCookieInput = 1 << 20

// cookieArgument is the cookie's value, from the command line or, for "-" or
// nothing, from standard input.
func cookieArgument(in io.Reader, args []string) (string, error) {
	if len(args) > 1 {
		return "", &usageError{"there is more than one cookie", "give one value, in quotes if it has characters of the shell's"}
	}
	if len(args) == 1 && args[0] != "-" {
		return args[0], nil
	}
	b, err := io.ReadAll(io.LimitReader(in, maxCookieInput+1))
	if err != nil {
		return "", fmt.Errorf("reading the cookie: %w", err)
	}
	if len(b) > maxCookieInput {
		return "", fmt.Errorf("the cookie is longer than %d bytes", maxCookieInput)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func inspectSigned(ctx context.Context, in *inspection) (verdict, error) {
	if in.secret == "" {
		return verdict{}, &usageError{"--secret is missing", "give the secret that the cookie was signed with"}
	}
	codec, err := cookiecodec.NewSigned(cookiecodec.SignedConfig{SecretText: []string{in.secret}, Salt: in.salt, NoSalt: in.noSalt, Hash: in.hash})
	if err != nil {
		return verdict{}, &usageError{err.Error(), "see scarab help inspect"}
	}
	return in.judge(ctx, codec)
}

func inspectSealed(ctx context.Context, in *inspection) (verdict, error) {
	if in.key == "" {
		return verdict{}, &usageError{"--key is missing", "give the key that the cookie was sealed with, as keygen prints it"}
	}
	key, err := cookiecodec.ParseKey(in.key)
	if err != nil {
		return verdict{}, &usageError{err.Error(), "see scarab help keygen"}
	}
	ring, err := cookiecodec.NewKeyring(key)
	if err != nil {
		return verdict{}, err
	}
	codec, err := cookiecodec.NewSealed(ring)
	if err != nil {
		return verdict{}, err
	}
	return in.judge(ctx, codec)
}

// inspectPyramid reads a cookie of a format that only Pyramid writes.
func inspectPyramid(_ context.Context, in *inspection) (verdict, error) {
	c := pyramid.InspectConfig{Format: in.format, Salt: in.salt, NoSalt: in.noSalt, Hash: in.hash, Timeout: max(in.timeout, 1),
		Crypto: pyramid.BeakerCrypto(in.crypto), NonceBits: in.nonceBits, Serializer: pyramid.Serializer(in.serializer)}
	if in.secret != "" {
		c.Secrets = []string{in.secret}
	}
	var err error
	if c.Key, err = hex.DecodeString(in.key); err != nil {
		return verdict{}, &usageError{"--key is not hexadecimal", "write each byte as two hexadecimal digits"}
	}
	v, err := pyramid.Inspect(in.now, c, in.cookie)
	if err != nil {
		return verdict{}, &usageError{err.Error(), "see scarab help inspect"}
	}
	return v, nil
}

// judge reads a cookie as scarab does.
func (in *inspection) judge(ctx context.Context, codec scarab.Codec) (verdict, error) {
	st, err := scarab.InCookie(codec).Load(ctx, in.now, in.name, in.cookie)
	if errors.Is(err, scarab.ErrNoSession) {
		return verdict{Verdict: "reject", Reason: reason(err)}, nil
	}
	if err != nil {
		return verdict{}, err
	}
	v := verdict{Verdict: "accept", Created: seconds(st.Created), Accessed: seconds(st.Seen), ID: st.Handle}
	if v.State, err = stateJSON(st.Values); err != nil {
		return verdict{}, err
	}
	idle := in.timeout
	if st.Idle != 0 {
		idle = st.Idle
	}
	switch {
	case !st.Deadline.IsZero() && !in.now.Before(st.Deadline):
		v.Verdict, v.Reason = "reject", "expired: absolute"
	case idle != scarab.Never && in.now.Sub(st.Seen) > idle:
		v.Verdict, v.Reason = "reject", "expired: idle"
	}
	return v, nil
}

// reason is the text behind that of ErrNoSession.
func reason(err error) string {
	_, after, ok := strings.Cut(err.Error(), scarab.ErrNoSession.Error()+": ")
	if !ok {
		return "unknown"
	}
	return after
}

// seconds is a time as Unix time, to the microsecond.
func seconds(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	s := float64(t.UnixMicro()) / 1e6
	return &s
}
