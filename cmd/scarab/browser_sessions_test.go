package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// A page of another site sends a form here, with the visitor's browser and a
// token that it cannot know.
func forgedPost(p *page, s *process) {
	p.open(s.base+"/t/orders/row/5/delete", http.StatusOK)
	token := p.value("csrf_token")
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><form method="post" action="%s/t/orders/row/5/delete"><input name="csrf_token" value="%s"><button id="go">Win a prize</button></form>`, s.base, token)
	}))
	defer evil.Close()
	// Under another name, it is another site. From another port of the same
	// name the cookie comes along, and it is another origin all the same.
	for _, address := range []string{strings.Replace(evil.URL, "127.0.0.1", "localhost", 1), evil.URL} {
		p.open(address, http.StatusOK)
		p.click("#go", http.StatusForbidden)
		p.shows(true, "nothing was changed")
	}
	p.open(s.base+"/t/orders/row/5", http.StatusOK)
}

// An operator ends a session from a second browser. A form that is open in the
// first changes nothing any more.
func endFromElsewhere(operator, victim *page, s *process) {
	operator.logIn(s)
	operator.open(s.base+"/sessions", http.StatusOK)
	victim.logIn(s)
	victim.open(s.base+"/session", http.StatusOK)
	handle := ask[string](victim, `document.querySelector(".facts dd.mono").innerText`)
	late := victim.secondTab()
	late.open(s.base+"/session", http.StatusOK)
	form := victim.secondTab()
	form.open(s.base+"/t/tags/row/11", http.StatusOK)
	form.fill(`[name="v.name"]`, "too late")
	victim.open(s.base+"/sessions", http.StatusOK)

	// The operator's list gets the new session without being loaded again.
	operator.must(operator.Press(`button[form="end"][value="` + handle + `"]`))
	operator.must(operator.Wait(".flash.success"))
	operator.shows(true, "The session was ended.")
	if n := ask[int](operator, `document.querySelectorAll('button[value="`+handle+`"]').length`); n != 0 {
		operator.t.Error("the list still has the session")
	}

	// A page whose stream begins when its session has ended leaves, too.
	ask[bool](late, `(() => {
		const live = document.createElement("div"), script = document.createElement("script")
		live.id = "live"
		live.dataset.stream = "/sessions/live"
		script.src = "/static/live.js"
		document.body.append(live, script)
		return true
	})()`)

	form.save(http.StatusForbidden)
	form.shows(true, "nothing was changed")
	operator.open(s.base+"/t/tags/row/11", http.StatusOK)
	operator.has("v.name", "recycled")
	late.must(late.Wait("body.door"))
	late.isAt(s.base + "/login")
}

// The page about sessions that was open in the first browser gets to know it by
// its stream, which asks every ten seconds, and leaves.
func noticesTheEnd(victim *page, s *process) {
	victim.must(victim.Wait("body.door"))
	victim.isAt(s.base + "/login")
}
