package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// check answers that the handler found what had to be there, or 500.
func check(w http.ResponseWriter, found bool) {
	if !found {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Write(ok)
}

func fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

var location = []string{"/messages"}

func redirect(w http.ResponseWriter) {
	w.Header()["Location"] = location
	w.WriteHeader(http.StatusSeeOther)
}

func meet(o Options) {
	if o.Meet != nil {
		o.Meet()
	}
}

// The header that tells a Visit which key is its own, what those keys begin
// with, and how many there are at most.
const (
	visitorHeader = "Visitor"
	visitorPrefix = "visitor-"
	visitors      = 256
)

func visitor(i int) string { return fmt.Sprint(visitorPrefix, i) }

// tally writes what became of a group of visits.
func tally(w http.ResponseWriter, counter int, keys []string, messages int) {
	own := 0
	for _, key := range keys {
		if strings.HasPrefix(key, visitorPrefix) {
			own++
		}
	}
	fmt.Fprintf(w, "%d %d %d", counter, own, messages)
}

// toInt reads a counter, of which some encodings change the type.
func toInt(v any) int {
	switch v := v.(type) {
	case int:
		return v
	case int64:
		return int(v)
	case uint64:
		return int(v)
	case float64:
		return int(v)
	}
	return 0
}

// toList reads messages, likewise.
func toList(v any) []string {
	switch v := v.(type) {
	case []string:
		return v
	case []any:
		list := make([]string, len(v))
		for i := range v {
			list[i], _ = v[i].(string)
		}
		return list
	}
	return nil
}

// show writes messages.
func show(w http.ResponseWriter, messages []string) {
	for _, m := range messages {
		io.WriteString(w, m)
	}
}
