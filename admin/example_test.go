package admin_test

import (
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin"
	"github.com/scarab-go/scarab/memstore"
)

// An application with a login of its own mounts the interface under a prefix.
func ExampleNew() {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1) // of a database in memory each connection has its own
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"); err != nil {
		log.Fatal(err)
	}
	handler, err := admin.New(db, admin.Config{Title: "Library", Prefix: "/admin", LoginURL: "/login"})
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := scarab.New(scarab.Stored(memstore.New()), scarab.Config{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/admin/", handler)

	w := httptest.NewRecorder()
	sessions.Wrap(mux).ServeHTTP(w, httptest.NewRequest("GET", "https://example.com/admin/t/books", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 /login
}
