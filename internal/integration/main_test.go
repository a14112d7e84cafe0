// Package integration tests scarab with servers, drivers and programs that the
// core does not import.
package integration

import (
	"os"
	"testing"

	"github.com/scarab-go/scarab/internal/testserver"
)

func TestMain(m *testing.M) { os.Exit(testserver.Run(m)) }
