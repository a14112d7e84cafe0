package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/scarab-go/scarab/internal/bench/app"
	"github.com/scarab-go/scarab/internal/bench/plot"
)

// profile does one kind of work for a while, such as "scarab/sealed write", and
// writes cpu.prof and allocs.prof: what a request is spent on.
//
//	go run ./internal/bench -profile "scarab/sealed write"
//	go tool pprof -top cpu.prof
//	go tool pprof -top -sample_index=alloc_objects allocs.prof
func profile(ctx context.Context, what string, quick bool) error {
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
	l, ok := app.Find(what[:i])
	if !ok {
		return fmt.Errorf("there is no library %q", what[:i])
	}
	o, err := r.options(l.Place, app.S)
	if err != nil {
		return err
	}
	var ops []app.Op
	for _, w := range []work{untouched, read, write, login, flash, page, form, script} {
		if w.name == what[i+1:] {
			ops = w.ops
		}
	}
	a, err := l.Open(o)
	if err != nil {
		return err
	}
	defer a.Close()
	if len(ops) == 0 {
		return fmt.Errorf("there is no work %q", what[i+1:])
	}
	n := 1
	if o.Redis != "" || o.Postgres != "" {
		n = clients
	}
	crowd, err := newCrowd(a, "", work{what, ops}, n)
	if err != nil {
		return err
	}

	runtime.MemProfileRate = 512
	if err := crowd.pass(ctx, r.budget(time.Second)); err != nil {
		return err
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
	err = crowd.pass(ctx, r.budget(4*time.Second))
	pprof.StopCPUProfile()
	if err == nil {
		fmt.Printf("%s: %s a second; cpu.prof and allocs.prof written\n", what, plot.Number(crowd.fact.Passes[1]))
	}
	return err
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
