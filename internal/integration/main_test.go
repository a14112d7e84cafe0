// Package integration tests scarab with servers, drivers and programs that the
// core does not import.
package integration

import (
	"io"
	"log"
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/scarab-go/scarab/internal/testserver"
)

func TestMain(m *testing.M) {
	mysql.SetLogger(log.New(io.Discard, "", 0)) // servers are killed here
	os.Exit(testserver.Run(m))
}
