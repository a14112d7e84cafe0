package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/scarab-go/scarab/cookiecodec"
)

// readKeys reads the keys of a file, one in a line: the first writes, all
// read. A file that does not exist is made, with one new key, if create says
// so; only its owner can read it.
func readKeys(file string, create bool) ([]cookiecodec.Key, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) && create {
		return makeKeyFile(file)
	}
	if err != nil {
		return nil, &hintedError{err, fmt.Sprintf("make one with: (umask 077; scarab keygen > %s)", file)}
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, &hintedError{fmt.Errorf("key file %s can be read by others", file), "chmod 600 " + file}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var keys []cookiecodec.Key
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		key, err := cookiecodec.ParseKey(line)
		if err != nil {
			return nil, fmt.Errorf("key file %s, line %d: %w", file, i+1, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func makeKeyFile(file string) ([]cookiecodec.Key, error) {
	key, err := cookiecodec.GenerateKey(512)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(f, key.Reveal())
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return []cookiecodec.Key{key}, nil
}
