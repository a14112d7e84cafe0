package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"

	"github.com/scarab-go/scarab/internal/bench/app"
)

// child runs this program again and returns what it printed.
func (r *run) child(name string, on []string, args ...string) ([]byte, error) {
	cmd, err := childCommand(r.ctx, on, append([]string{name}, args...)...)
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	return cmd.Output()
}

// childArg is the first argument of a child.
const childArg = "child-of-bench"

// What goes before a command to choose its cores; nothing where there is one
// core, or no program for it.
var onFirstCore, onOtherCores = func() (first, others []string) {
	taskset, err := exec.LookPath("taskset")
	if n := runtime.NumCPU(); err == nil && n > 1 {
		return []string{taskset, "-c", "0"}, []string{taskset, "-c", fmt.Sprintf("1-%d", n-1)}
	}
	return nil, nil
}()

func childCommand(ctx context.Context, on []string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	all := append(append(append([]string(nil), on...), self, childArg), args...)
	return exec.CommandContext(ctx, all[0], all[1:]...), nil
}

// child is what this program does when it was started by itself.
func child(args []string) error {
	switch args[0] {
	case "wire":
		quick, err := strconv.ParseBool(args[1])
		if err != nil {
			return err
		}
		r := &run{ctx: context.Background(), quick: quick, dir: args[2]}
		defer r.bed.mark()()
		if err := r.serveAndLoad(); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r.facts)
	case "pyramid":
		quick, err := strconv.ParseBool(args[1])
		if err != nil {
			return err
		}
		r := &run{ctx: context.Background(), quick: quick}
		if err := r.measureCounters(); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r.facts)
	case "counter":
		return serveCounter()
	case "serve":
		return serve(args[1], app.Options{Sample: app.S, Redis: args[2]})
	case "weigh":
		return weigh(context.Background(), args[1:])
	}
	return fmt.Errorf("unknown child %q", args[0])
}
