// Package stories has every page of the interface in every state, with fixed
// data: to look at, without a database.
package stories

import (
	"html/template"
	"strings"

	"github.com/scarab-go/scarab/admin/internal/ui"
)

// A Story is a page in one state.
type Story struct {
	Name   string
	Status int
	Page   ui.Page
}

// Prefix is that of the addresses in the pages.
const Prefix = "/story"

// All returns the stories in a language.
func All(l ui.Language) []Story {
	var out []Story
	add := func(name, title string, b ui.Body, change ...func(*ui.Page)) {
		p := ui.Page{
			Language: l, Site: "scarab", Prefix: Prefix, Title: title, User: "ada", Body: b, CSRF: token, Here: Prefix + "/",
			Tables: []ui.NavItem{{Name: "customers", URL: "#", Current: true}, {Name: "orders", URL: "#"}, {Name: "sales_by_month", URL: "#", Note: l.Sprintf("view")}, {Name: strings.Repeat("a_very_long_name_", 4), URL: "#"}},
			Places: []ui.NavItem{{Name: l.Sprintf("This session"), URL: "#"}, {Name: l.Sprintf("All sessions"), URL: "#"}, {Name: l.Sprintf("Audit log"), URL: "#"}},
		}
		for _, f := range change {
			f(&p)
		}
		out = append(out, Story{Name: name, Status: 200, Page: p})
	}
	door := func(p *ui.Page) { p.User = "" }
	flashes := func(p *ui.Page) {
		p.Flashes = []ui.Flash{
			{Kind: "error", Text: l.Sprintf("“%s” was not deleted. %s", "Ada", l.Sprintf("Rows of other tables point at this one, so the database keeps it."))},
			{Kind: "warning", Text: l.Sprintf("Nothing was changed.")},
			{Kind: "success", Text: l.Sprintf("“%s” was deleted from %s.", strings.Repeat("long ", 40), "customers"), Undo: "#"},
		}
	}
	add("login-password", l.Sprintf("Log in"), ui.Login{Password: true, Link: true}, door)
	add("login-refused", l.Sprintf("Log in"), ui.Login{Password: true, Name: "ada", Error: l.Sprintf("Name and password do not fit together.")}, door)
	add("login-link-only", l.Sprintf("Log in"), ui.Login{Link: true}, door)
	add("login-link", l.Sprintf("Log in"), ui.LoginLink{User: "admin", Token: "token"}, door)
	add("home", l.Sprintf("Tables"), home(l), flashes)
	add("home-empty", l.Sprintf("Tables"), ui.Home{}, func(p *ui.Page) { p.Tables = nil })
	add("list", "customers", list(l))
	add("list-filtered-empty", "customers", empty(l))
	add("list-view", "sales_by_month", view(l))
	add("form", "Ada Aydın", form(l))
	add("form-mistakes", l.Sprintf("New row in %s", "customers"), mistakes(l))
	add("form-conflict", "Ada Aydın", conflict(l))
	add("form-read-only", "Ada Aydın", readOnly(l))
	add("form-several", l.Sprintf("Edit %d rows", 12), several(l))
	add("delete", l.Sprintf("Delete “%s”?", "Ada Aydın"), question(l))
	add("session", l.Sprintf("This session"), session(l))
	add("sessions", l.Sprintf("All sessions"), sessions(l))
	add("session-inside", l.Sprintf("Session of %s", "eve"), inside(l))
	add("audit", l.Sprintf("Audit log"), audit(l))
	add("problem", l.Sprintf("Not Found"), ui.Problem{Status: 404, Text: l.Sprintf("There is no such table."), Back: "#"})
	add("problem-door", l.Sprintf("Forbidden"), ui.Problem{Status: 403, Text: l.Sprintf("This login link does not work: it was used, or it is older than five minutes."), Hint: l.Sprintf("Press Enter in the terminal where the command runs for another one."), Back: "#"}, door)
	return out
}

const token = template.HTML(`<input type="hidden" name="csrf_token" value="token">`)
