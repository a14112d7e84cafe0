package stories

import (
	"fmt"

	"github.com/scarab-go/scarab/admin/internal/ui"
)

func home(l ui.Language) ui.Home {
	return ui.Home{Tables: []ui.HomeTable{
		{Name: "customers", URL: "#", Rows: l.Sprintf("%d rows", 400), Columns: 10, New: "#"},
		{Name: "events", URL: "#", Rows: l.Sprintf("more than %d rows", 10000), Columns: 1, New: "#"},
		{Name: "sales_by_month", URL: "#", View: true, Rows: l.Sprintf("%d rows", 1), Columns: 4},
	}}
}

func list(l ui.Language) ui.List {
	b := ui.List{
		Name: "customers", URL: "#", New: "#", Select: true, Count: l.Sprintf("%d rows", 400),
		Columns: []ui.ListColumn{{Name: "id", SortURL: "#", Sorted: "ascending", Number: true, Key: true}, {Name: "name", SortURL: "#"}, {Name: "city", SortURL: "#"}, {Name: "vip", SortURL: "#"}, {Name: "photo"}, {Name: "note", SortURL: "#"}},
		Filters: []ui.FilterField{{Column: "name", Slug: "name", Ops: []ui.Choice{{Value: "is", Label: l.Sprintf("is")}}}},
		Choose:  []ui.Choice{{Value: "id", Label: "id", Selected: true}, {Value: "name", Label: "name", Selected: true}, {Value: "phone", Label: "phone"}},
		Exports: []ui.Link{{Text: "CSV", URL: "#"}, {Text: "JSON", URL: "#"}},
		Pager:   ui.Pager{First: "#", Previous: "#", Next: "#", Last: "#", Page: l.Sprintf("Page %d of %d", 2, 8)},
	}
	for i := range 8 {
		b.Rows = append(b.Rows, ui.ListRow{Key: fmt.Sprint(i), URL: "#", Cells: []ui.Cell{
			{Text: fmt.Sprint(i + 1), Number: true}, {Text: "Ada Aydın"}, {Text: "3", URL: "#", Note: "Kyoto"}, {Text: l.Sprintf("yes"), Bool: true, Yes: i%2 == 0},
			{Text: "89504e470d0a1a0a", Mono: true, Cut: true}, {Null: i%3 == 0, Empty: i%3 == 1, Text: "A text that is longer than the column is wide, and so is cut at its end by the page"},
		}})
	}
	return b
}

func empty(l ui.Language) ui.List {
	b := list(l)
	b.Rows, b.Filtered, b.Search, b.Count = nil, true, "nobody", l.Sprintf("%d rows", 0)
	b.Notice = l.Sprintf("There is no column %q to sort by.", "nmae")
	return b
}

func view(l ui.Language) ui.List {
	b := list(l)
	b.Name, b.View, b.ReadOnly, b.New, b.Select = "sales_by_month", true, true, "", false
	return b
}

func form(l ui.Language) ui.Form {
	return ui.Form{
		Table: "customers", TableURL: "#", Title: "Ada Aydın", Action: "#", Delete: "#", Clone: "#", Related: []ui.Link{{Text: l.Sprintf("%s in %s", "4", "orders"), URL: "#"}},
		Fields: []ui.FormField{
			{Name: "id", Slug: "id", ID: "f0", Type: "integer", Input: "text", Mode: "numeric", Value: "7", Key: true},
			{Name: "name", Slug: "name", ID: "f1", Type: "varchar(80)", Input: "text", Value: "Ada Aydın", Size: 80},
			{Name: "city", Slug: "city", ID: "f2", Type: "integer", Input: "text", Mode: "numeric", Value: "3", Required: true, CanFind: true, RefURL: "#", RefText: l.Sprintf("%s in %s", "Kyoto", "cities")},
			{Name: "status", Slug: "status", ID: "f3", Type: "text", Input: "select", Choices: []ui.Choice{{Value: "new", Label: "new", Selected: true}, {Value: "old", Label: "old"}}},
			{Name: "vip", Slug: "vip", ID: "f4", Type: "boolean", Input: "radio", Choices: []ui.Choice{{Value: "true", Label: l.Sprintf("yes"), Selected: true}, {Value: "false", Label: l.Sprintf("no")}, {Label: "NULL"}}},
			{Name: "born_on", Slug: "born_on", ID: "f5", Type: "date", Input: "date", Value: "1991-02-03"},
			{Name: "seen_at", Slug: "seen_at", ID: "f6", Type: "timestamp", Input: "datetime", Value: "2026-03-31T17:30:00", Hint: l.Sprintf("Left empty: %s", "CURRENT_TIMESTAMP")},
			{Name: "note", Slug: "note", ID: "f7", Type: "text", Input: "textarea", Value: "Two\nlines", CanNull: true},
			{Name: "remark", Slug: "remark", ID: "f8", Type: "text", Input: "textarea", Null: true, CanNull: true},
			{Name: "photo", Slug: "photo", ID: "f9", Type: "blob", Input: "file", Value: l.Sprintf("%d bytes", 48123), Download: "#", CanNull: true},
			{Name: "full_name", Slug: "full_name", ID: "f10", Type: "text", Input: "fixed", Value: "Ada Aydın"},
		},
	}
}

func mistakes(l ui.Language) ui.Form {
	b := form(l)
	b.New, b.Delete, b.Clone, b.Related = true, "", "", nil
	b.Title, b.Error = l.Sprintf("New row in %s", "customers"), l.Sprintf("Nothing is saved yet: please look at the fields that are marked.")
	b.Fields[0].Value, b.Fields[0].Hint = "", l.Sprintf("Left empty: the next number")
	b.Fields[1].Error = l.Sprintf("Another row has this value already, and it has to be unique.")
	b.Fields[2].Error = l.Sprintf("This is not a whole number, such as 42.")
	b.Fields[4].Error = l.Sprintf("Choose yes or no.")
	b.Fields[7].Error = l.Sprintf("At most %d characters; these are %d.", 4, 9)
	return b
}

func conflict(l ui.Language) ui.Form {
	b := form(l)
	b.Conflict = true
	b.Fields[1].Theirs = &ui.Theirs{Text: "Ada A."}
	b.Fields[7].Theirs = &ui.Theirs{Null: true}
	return b
}

func readOnly(l ui.Language) ui.Form {
	b := form(l)
	b.ReadOnly, b.Delete, b.Clone = true, "", ""
	for i := range b.Fields {
		f := &b.Fields[i]
		f.Input, f.CanNull, f.CanFind, f.Required = "fixed", false, false, false
	}
	return b
}

func several(l ui.Language) ui.Form {
	b := form(l)
	b.Title, b.Several, b.Delete, b.Clone, b.Related = l.Sprintf("Edit %d rows", 12), true, "", "", nil
	b.Fields = b.Fields[2:8]
	for i := range b.Fields {
		b.Fields[i].Tick, b.Fields[i].Ticked, b.Fields[i].Required = true, i == 1, false
	}
	return b
}

func question(l ui.Language) ui.Question {
	return ui.Question{
		Table: "customers", TableURL: "#", Title: l.Sprintf("Delete “%s”?", "Ada Aydın"), Action: "#", Back: "#", Blocked: true,
		Facts: []ui.Fact{{Name: "id", Value: "7"}, {Name: "name", Value: "Ada Aydın"}, {Name: "note", Null: true}},
		Dependants: []ui.Dependant{
			{Table: "orders", URL: "#", Count: l.Sprintf("%d rows", 4), Effect: l.Sprintf("stand in the way")},
			{Table: "addresses", URL: "#", Count: l.Sprintf("%d rows", 1), Effect: l.Sprintf("will be deleted too")},
			{Table: l.Sprintf("a table you may not see"), Count: l.Sprintf("%d rows", 2), Effect: l.Sprintf("will point nowhere")},
		},
	}
}

func session(l ui.Language) ui.Session {
	return ui.Session{
		Action: "#", Visits: 12, Others: true, Popped: &ui.Popped{Queue: "default", Verb: "Pop", Messages: []string{"one", "one", "two"}},
		Facts: []ui.Fact{
			{Name: l.Sprintf("Principal"), Value: "ada"}, {Name: l.Sprintf("Handle"), Value: "1823d41800c9964a2728a586c87b0b90", Mono: true}, {Name: l.Sprintf("New"), Value: l.Sprintf("no")},
			{Name: l.Sprintf("Time left if unused"), Value: l.Sprintf("%d min %d s", 59, 58), Note: "2026-03-31 17:30:00 UTC"},
		},
		Values: []ui.Fact{{Name: "visits", Value: "12"}, {Name: "_csrft_", Value: `"03a8cf…`}},
		Queues: []ui.Queue{{Name: "default", Messages: []string{"three"}}, {Name: "extra"}},
	}
}

func sessions(l ui.Language) ui.Sessions {
	live := ui.SessionsLive{
		Count: "3", MayEnd: true, At: "17:30:00", Language: l, More: true,
		Chart: ui.Chart{
			Width: 768, Height: 120, Line: "4,100 100,60 200,80 300,20 400,40 500,10 600,30 764,50", Area: "4,120 4,100 100,60 200,80 300,20 400,40 500,10 600,30 764,50 764,120", Top: "42",
			Bars: []ui.Bar{{X: 97, Y: 100, Width: 6, Height: 20}, {X: 297, Y: 60, Width: 6, Height: 60}}, Labels: []ui.Label{{X: 16, Text: "18:00"}, {X: 208, Text: "00:00"}, {X: 400, Text: "06:00"}, {X: 592, Text: "12:00"}},
			Text: l.Sprintf("In the last 24 hours: at most %d active sessions, %d logins.", 42, 17),
		},
		Rejected: []ui.Count{{Name: "rejected forged", Count: "7"}, {Name: "expired idle", Count: "2"}},
		Events:   []ui.SessionEvent{{At: l.Sprintf("%s ago", l.Sprintf("%d s", 9)), Kind: "login", Who: "ada"}, {At: l.Sprintf("%s ago", l.Sprintf("%d s", 42)), Kind: "rejected", Reason: "forged"}},
	}
	for i, user := range []string{"ada", "eve", ""} {
		live.Sessions = append(live.Sessions, ui.SessionRow{
			Handle: fmt.Sprint(i), User: user, UserURL: "#", Device: "Firefox on Linux", Address: "192.0.2.7", Created: l.Sprintf("%s ago", l.Sprintf("%d h %d min", 2, 5)),
			Seen: l.Sprintf("%s ago", l.Sprintf("%d s", 5)), Expires: l.Sprintf("%d min %d s", 54, 55), URL: "#", Own: i == 0,
		})
	}
	return ui.Sessions{Live: live, LiveURL: Prefix + "/stream", Action: "#", URL: "#", MayEnd: true}
}

func inside(l ui.Language) ui.OneSession {
	return ui.OneSession{
		Handle: "1823d41800c9964a2728a586c87b0b90", User: "eve", MayEnd: true, Hidden: true, Action: "#", Back: "#",
		Facts:  []ui.Fact{{Name: l.Sprintf("User"), Value: "eve"}, {Name: l.Sprintf("Size"), Value: l.Sprintf("%d bytes", 234)}},
		Values: []ui.Fact{{Name: "cart", Value: l.Sprintf("%d bytes", 120), Mono: true}, {Name: "_csrft_", Value: l.Sprintf("%d bytes", 42), Mono: true}},
	}
}

func audit(l ui.Language) ui.Audit {
	return ui.Audit{URL: "#", Older: "#", Entries: []ui.AuditEntry{
		{At: "2026-03-31 17:30:00", User: "ada", Action: l.Sprintf("changed"), Target: "customers", Row: "7", URL: "#", Changes: []ui.AuditChange{{Column: "city", From: ui.Theirs{Text: "Osaka"}, To: ui.Theirs{Text: "Kyoto"}}, {Column: "note", From: ui.Theirs{Null: true}, To: ui.Theirs{Text: "moved"}}}},
		{At: "2026-03-31 17:29:00", User: "eve", Action: l.Sprintf("logged in"), Target: "scarab:sessions"},
	}}
}
