package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/scarab-go/scarab/internal/bench/plot"
)

// profileOne does one kind of work for a while, such as "scarab/sealed write",
// as often at a time as where it is measured, and writes cpu.prof and
// allocs.prof: what a request is spent on.
//
//	go run ./internal/bench -profile "scarab/sealed write"
//	go tool pprof -top cpu.prof
//	go tool pprof -top -sample_index=alloc_objects allocs.prof
func profileOne(ctx context.Context, what string, quick bool) error {
	dir, err := os.MkdirTemp("", "scarab-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &run{ctx: ctx, quick: quick, dir: dir}
	defer r.bed.mark()()
	i := strings.LastIndexByte(what, ' ')
	if i < 0 {
		return fmt.Errorf("-profile takes a library and its work, such as %q", "scarab/sealed write")
	}
	var wanted work
	for _, w := range []work{untouched, read, write, login, flash, page, form, script, commit} {
		if w.name == what[i+1:] {
			wanted = w
		}
	}
	if wanted.name == "" {
		return fmt.Errorf("there is no work %q", what[i+1:])
	}
	workers, do, err := r.repeated(what[:i], wanted)
	if err != nil {
		return err
	}

	runtime.MemProfileRate = 512
	if l := drive(ctx, r.budget(time.Second), workers, do); l.err != nil {
		return l.err
	}
	if err := writeProfile("allocs", "allocs.prof"); err != nil {
		return err
	}
	runtime.MemProfileRate = 0
	f, err := os.Create("cpu.prof")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	l := drive(ctx, r.budget(4*time.Second), workers, do)
	pprof.StopCPUProfile()
	if l.err == nil {
		fmt.Printf("%s: %s a second; cpu.prof and allocs.prof written\n", what, plot.Number(l.rate()))
	}
	return l.err
}

func writeProfile(name, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.Lookup(name).WriteTo(f, 0); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
