package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/scarab-go/scarab/cookiecodec"
)

// keygen prints a key.
func keygen(flags *flag.FlagSet) func(context.Context, streams, []string) error {
	bits := flags.Int("bits", 512, "`size` of the key: 256 to 1024 bits, in steps of 8")
	return func(_ context.Context, s streams, _ []string) error {
		key, err := cookiecodec.GenerateKey(*bits)
		if err != nil {
			return &usageError{err.Error(), "512 bits suit every codec"}
		}
		_, err = fmt.Fprintln(s.out, key.Reveal())
		return err
	}
}
