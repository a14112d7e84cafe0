// Package integration tests scarab with servers, drivers and programs that the
// core does not import.
package integration

import (
	"fmt"
	"io"
	"log"
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/scarab-go/scarab/internal/testserver"
)

func TestMain(m *testing.M) {
	mysql.SetLogger(log.New(io.Discard, "", 0)) // servers are killed here
	code := testserver.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
