package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/memstore"
)

// A keeper is where sessions are kept.
type keeper struct {
	backend scarab.Backend
	store   scarab.Store // nil: in cookies
	where   string       // for people
	close   func() error
}

// keep opens what --sessions names. beside is what the files have in common
// that scarab makes next to a database; keyFile is empty, or named by the user.
func keep(ctx context.Context, address, beside, keyFile string) (*keeper, error) {
	scheme, _, _ := strings.Cut(address, ":")
	switch scheme {
	case "":
		return keepStore(ctx, "sqlite:"+beside+".sqlite")
	case "sqlite", "postgres", "postgresql", "mysql", "redis", "rediss", "redis-cluster":
		return keepStore(ctx, address)
	case "memory":
		store := memstore.New()
		return &keeper{scarab.Stored(store), store, "in memory, until this process ends", func() error { return nil }}, nil
	case "cookie", "signed":
		return keepInCookie(scheme, beside+".key", keyFile)
	}
	return nil, &usageError{fmt.Sprintf("--sessions %q is not known", address), "use memory:, cookie, signed:, " + storeURLs}
}

func keepStore(ctx context.Context, address string) (*keeper, error) {
	store, err := openStore(ctx, "--sessions", address, true)
	if err != nil {
		return nil, err
	}
	return &keeper{scarab.Stored(store.Store), store.Store, "in " + strings.TrimPrefix(store.where, "sqlite:"), store.close}, nil
}

func keepInCookie(scheme, defaultFile, keyFile string) (*keeper, error) {
	create := keyFile == ""
	if create {
		keyFile = defaultFile
	}
	keys, err := readKeys(keyFile, create)
	if err != nil {
		return nil, err
	}
	codec, what := scarab.Codec(nil), "sealed"
	if scheme == "cookie" {
		ring, err := cookiecodec.NewKeyring(keys...)
		if err != nil {
			return nil, err
		}
		if codec, err = cookiecodec.NewSealed(ring); err != nil {
			return nil, err
		}
	} else {
		// The key's text, not its bytes: it can be given to Pyramid as it is.
		var secrets []string
		for _, k := range keys {
			secrets = append(secrets, k.Reveal())
		}
		if codec, err = cookiecodec.NewSigned(cookiecodec.SignedConfig{SecretText: secrets}); err != nil {
			return nil, err
		}
		what = "signed"
	}
	return &keeper{scarab.InCookie(codec), nil, "in a " + what + " cookie, with the key in " + keyFile, func() error { return nil }}, nil
}
