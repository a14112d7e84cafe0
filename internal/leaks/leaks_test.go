package leaks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/scarab-go/scarab/internal/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestFind(t *testing.T) {
	before := len(leaks.Find(0)) // the one that runs the tests
	stop := make(chan struct{})
	go forgotten(stop)
	left := leaks.Find(time.Millisecond)
	if len(left) != before+1 || !strings.Contains(strings.Join(left, ""), "leaks_test.forgotten") {
		t.Errorf("found %q", left)
	}
	close(stop)
	for len(leaks.Find(0)) > before {
		time.Sleep(time.Millisecond)
	}
}

func forgotten(stop chan struct{}) { <-stop }
