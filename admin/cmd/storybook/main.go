// Command storybook serves every page of the interface in every state, with
// fixed data, to look at them without a database:
//
//	go run ./admin/cmd/storybook
package main

import (
	"flag"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/scarab-go/scarab/admin/internal/stories"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "address to listen on")
	flag.Parse()
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("The pages are on http://%s/\n", l.Addr())
	srv := &http.Server{Handler: handler(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(srv.Serve(l))
}

var index = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Stories</title>
<link rel="stylesheet" href="/story/static/style.css"><body><main><h1>Stories</h1>
{{range $l, $stories := .}}<h2>{{$l.Name}}</h2><ul>{{range $stories}}<li><a href="/{{$l}}/{{.Name}}">{{.Name}}</a></li>{{end}}</ul>{{end}}</main>`))

func handler() http.Handler {
	mux := http.NewServeMux()
	all := map[ui.Language][]stories.Story{}
	for _, l := range ui.Languages {
		all[l] = stories.All(l)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if err := index.Execute(w, all); err != nil {
			log.Print(err)
		}
	})
	mux.HandleFunc("GET /{language}/{name}", func(w http.ResponseWriter, r *http.Request) {
		for _, s := range all[ui.Language(r.PathValue("language"))] {
			if s.Name != r.PathValue("name") {
				continue
			}
			if err := ui.Render(w, s.Status, s.Page); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
			return
		}
		http.NotFound(w, r)
	})
	mux.Handle("GET "+stories.Prefix+"/static/", http.StripPrefix(stories.Prefix+"/static/", http.FileServerFS(ui.Static())))
	return mux
}
