package main

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/internal/bench/app"
)

var update = flag.Bool("update", false, "write testdata/guard.txt as it is measured now")

const guardFile = "testdata/guard.txt"

// guarded are the works whose cost may not rise without anybody noticing.
var guarded = map[string][]work{
	"scarab/memstore":     {untouched, read, write, login, flash},
	"scarab/signed":       {untouched, read, write, login, flash},
	"scarab/sealed":       {untouched, read, write, login, flash},
	"scarab/csrf":         {page, form, script},
	"scarab/csrf cookie":  {page, form, script},
	"scarab/redis":        {untouched, read, write, login, flash},
	"scarab/redis cached": {untouched, read, write},
	"scarab/postgres":     {untouched, read, write, login, flash},
}

// Allocations and round trips are the same on every machine, so that a test can
// hold them; times are not.
func TestGuard(t *testing.T) {
	committed, err := readGuard()
	if err != nil {
		t.Fatal(err)
	}
	now := map[string]int{}
	t.Run("round trips", func(t *testing.T) { measureTrips(t, now) })
	if raceDetector {
		t.Log("allocations are not compared: the race detector adds its own. make bench-check does")
	} else {
		t.Run("allocations", func(t *testing.T) { measureAllocations(t, now) })
	}
	for _, key := range sortedKeys(now) {
		was, ok := committed[key]
		switch {
		case !ok && !*update:
			t.Errorf("%s is not in %s: add it with -update", key, guardFile)
		case now[key] > was && !*update:
			t.Errorf("%s rose from %d to %d. If that is meant, run the test with -update and say why in the commit", key, was, now[key])
		case now[key] < was && !*update:
			t.Logf("%s fell from %d to %d: hold it there with -update", key, was, now[key])
		}
	}
	stale := func(key string) bool {
		_, ok := now[key]
		return !ok && strings.HasSuffix(key, "allocations") && !raceDetector // servers may be missing
	}
	if *update {
		maps.DeleteFunc(committed, func(key string, _ int) bool { return stale(key) })
		maps.Copy(committed, now)
		if err := writeGuard(committed); err != nil {
			t.Fatal(err)
		}
		return
	}
	for key := range committed {
		if stale(key) {
			t.Errorf("%s is in %s and was not measured: remove it with -update", key, guardFile)
		}
	}
}

func sortedKeys(m map[string]int) []string {
	return slices.Sorted(maps.Keys(m))
}

func measureTrips(t *testing.T, now map[string]int) {
	if *update && raceDetector {
		t.Fatal("-update needs a run without the race detector")
	}
	for name, works := range guarded {
		l, ok := app.Find(name)
		if !ok {
			t.Fatalf("no library %q", name)
		}
		if l.Place != app.Redis && l.Place != app.Postgres {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := &run{ctx: t.Context(), bed: bed{TB: t}}
			t.Cleanup(r.bed.mark())
			o := serverOptions(t, l.Place)
			counted, proxy, err := r.through(o)
			if err != nil {
				t.Fatal(err)
			}
			apps := make([]*app.App, 2)
			for i, o := range []app.Options{o, counted} {
				if apps[i], err = l.Open(o); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(apps[i].Close)
			}
			for _, w := range works {
				n, _, _, err := trips(apps[0], apps[1], proxy, w.ops, 200)
				if err != nil {
					t.Fatal(err)
				}
				// A client asks now and then whether its server lives: not more
				// than one in a hundred.
				whole := math.Round(n)
				if math.Abs(n-whole) > 0.1 {
					t.Errorf("%s makes %.2f round trips, which is no whole number", w.name, n)
				}
				now[fmt.Sprintf("%s %s trips", name, w.name)] = int(whole)
			}
		})
	}
}

func measureAllocations(t *testing.T, now map[string]int) {
	for name, works := range guarded {
		l, ok := app.Find(name)
		if !ok {
			t.Fatalf("no library %q", name)
		}
		if l.Place != app.Memory && l.Place != app.Cookie {
			continue
		}
		for _, w := range works {
			a, err := l.Open(app.Options{Sample: app.S})
			if err != nil {
				t.Fatal(err)
			}
			c := a.NewClient()
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			n := testing.AllocsPerRun(500, func() {
				if err := c.DoAll(w.ops); err != nil {
					t.Fatal(err)
				}
			})
			now[fmt.Sprintf("%s %s allocations", name, w.name)] = int(n)
			a.Close()
		}
	}
}

const guardHeader = `# What one request costs with the session S, written by
# go test -run TestGuard -update. A rise fails the test.
`

func readGuard() (map[string]int, error) {
	text, err := os.ReadFile(guardFile)
	if os.IsNotExist(err) && *update {
		return map[string]int{}, nil
	}
	if err != nil {
		return nil, err
	}
	table := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := cutLast(strings.TrimSpace(line))
		var n int
		if _, err := fmt.Sscan(value, &n); !ok || err != nil {
			return nil, fmt.Errorf("%s: line %q is not a name and a number", guardFile, line)
		}
		table[key] = n
	}
	return table, nil
}

func cutLast(line string) (key, value string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", "", false
	}
	return strings.TrimSpace(line[:i]), line[i+1:], true
}

func writeGuard(table map[string]int) error {
	text := guardHeader
	for _, key := range sortedKeys(table) {
		text += fmt.Sprintf("%-40s %d\n", key, table[key])
	}
	return os.WriteFile(guardFile, []byte(text), 0o644)
}
