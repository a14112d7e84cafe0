package main

import (
	"os"
	"testing"

	"github.com/scarab-go/scarab/internal/bench/app"
	"github.com/scarab-go/scarab/internal/testserver"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg { // the parts that are measured in processes of their own
		main()
		return
	}
	os.Exit(testserver.Run(m))
}

// serverOptions returns where a library keeps sessions in a test.
func serverOptions(t *testing.T, p app.Place) app.Options {
	t.Helper()
	o := app.Options{Sample: app.S, Dir: t.TempDir()}
	switch p {
	case app.Redis:
		o.Redis = testserver.SharedRedis(t).Addr
	case app.Postgres:
		o.Postgres = testserver.SharedPostgres(t).URL
	}
	return o
}

// 64 requests of one session run at the same time, all of them after it was
// loaded and before it is saved. Whoever saves the whole session loses what the
// others changed; scarab's stores lose nothing.
func TestLostUpdates(t *testing.T) {
	const most = 60
	for _, tt := range []struct {
		library string
		loses   bool
	}{
		{"scs/memstore", true},
		{"scs/redis", true},
		{"scs/postgres", true},
		{"gorilla/signed", true},
		{"gorilla/encrypted", true},
		{"gorilla/redis", true},
		{"scarab/memstore", false},
		{"scarab/redis", false},
		{"scarab/postgres", false},
		{"scarab/sqlite", false},
		{"scarab/sealed", true}, // the last cookie wins, as every cookie does
	} {
		t.Run(tt.library, func(t *testing.T) {
			l, ok := app.Find(tt.library)
			if !ok {
				t.Fatal("no such library")
			}
			lost, err := visit(l, serverOptions(t, l.Place), clients, true)
			if err != nil {
				t.Fatal(err)
			}
			if lost.refused > 0 {
				t.Errorf("%d of %d requests were refused", lost.refused, clients)
			}
			if tt.loses {
				if lost.counter < most || lost.keys < most || lost.messages < most {
					t.Errorf("of %d it loses %d increments, %d keys and %d messages: fewer than %d; see whether the comparison is still true",
						clients, lost.counter, lost.keys, lost.messages, most)
				}
			} else if lost != (toll{}) {
				t.Errorf("of %d it loses %d increments, %d keys and %d messages", clients, lost.counter, lost.keys, lost.messages)
			}
		})
	}
}
