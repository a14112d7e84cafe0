package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/cookiecodec"
	"github.com/scarab-go/scarab/memstore"
	"github.com/scarab-go/scarab/sqlstore"
)

// A keeper is where sessions are kept.
type keeper struct {
	backend scarab.Backend
	where   string // for people
	close   func() error
}

// keep opens what --sessions names. beside is what the files have in common
// that scarab makes next to a database; keyFile is empty, or named by the user.
func keep(ctx context.Context, address, beside, keyFile string) (*keeper, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "":
		return keepSQLite(ctx, beside+".sqlite")
	case "sqlite":
		if rest == "" {
			return nil, &usageError{"--sessions sqlite: names no file", "write sqlite:FILE"}
		}
		return keepSQLite(ctx, rest)
	case "memory":
		return &keeper{scarab.Stored(memstore.New()), "in memory, until this process ends", func() error { return nil }}, nil
	case "cookie", "signed":
		return keepInCookie(scheme, beside+".key", keyFile)
	}
	return nil, &usageError{fmt.Sprintf("--sessions %q is not known", address), "use sqlite:FILE, memory:, cookie or signed:"}
}

func keepSQLite(ctx context.Context, file string) (*keeper, error) {
	// Sessions are personal data: a new file is for its owner only.
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := openSQLite(file, "journal_mode(WAL)", "synchronous(NORMAL)")
	if err != nil {
		return nil, err
	}
	store := sqlstore.New(db, sqlstore.SQLite)
	if err := store.CreateTable(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &keeper{scarab.Stored(store), "in " + file, func() error { store.Close(); return db.Close() }}, nil
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
	return &keeper{scarab.InCookie(codec), "in a " + what + " cookie, with the key in " + keyFile, func() error { return nil }}, nil
}
