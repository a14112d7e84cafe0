package ui

// Home lists the tables.
type Home struct {
	Tables []HomeTable
}

// A HomeTable is a table or a view.
type HomeTable struct {
	Name    string
	URL     string
	View    bool
	Rows    string // such as "12 rows"
	Columns int
	New     string // address of the form for a new row; empty: read only
}

// List shows rows of a table.
type List struct {
	Name       string
	URL        string // without a query
	View       bool
	ReadOnly   bool // and why is said by View
	New        string
	Columns    []ListColumn
	Rows       []ListRow
	Count      string
	Search     string
	Filters    []FilterField
	Filtered   bool
	FilterOpen bool     // a filter is set
	Keep       []Hidden // what the search form carries along
	Pager      Pager
	Notice     string // what was wrong with the address, if anything
	Exports    []Link
	Choose     []Choice // columns, to show or not
	Select     bool     // rows can be ticked
}

// A ListColumn is a column of a list.
type ListColumn struct {
	Name    string
	SortURL string
	Sorted  string // "ascending", "descending" or ""
	Number  bool
	Key     bool
}

// A ListRow is a row of a list.
type ListRow struct {
	Key   string
	URL   string // of its form; empty: it cannot be told apart
	Cells []Cell
}

// A Cell is a value in a list.
type Cell struct {
	Text   string
	Null   bool
	Empty  bool
	Number bool
	Mono   bool
	Yes    bool // a boolean that is true
	Bool   bool
	URL    string // of the row it points at
	Note   string // what that row is called
	Cut    bool   // there is more
}

// A FilterField is the condition on one column.
type FilterField struct {
	Column string
	Slug   string
	Ops    []Choice
	Value  string
}

// A Choice is an option of a select.
type Choice struct {
	Value, Label string
	Selected     bool
}

// A Hidden is a hidden field of a form.
type Hidden struct{ Name, Value string }

// A Link is a link.
type Link struct{ Text, URL string }

// A Pager leads to other pages of a list; empty addresses lead nowhere.
type Pager struct {
	First, Previous, Next, Last string
	Page                        string
}

// Form creates or edits a row.
type Form struct {
	Table    string
	TableURL string
	Title    string
	Action   string
	Fields   []FormField
	Error    string // of the row as a whole
	Conflict bool   // the row was changed meanwhile; see FormField.Theirs
	New      bool
	Several  bool     // rows are edited together
	Hidden   []Hidden // what the form carries along
	ReadOnly bool
	Delete   string // address of the question; empty: none
	Clone    string
	Related  []Link
}

// A FormField is a field of a form.
type FormField struct {
	Name     string // of the column
	Slug     string // of the column, in the names of inputs
	ID       string
	Type     string // of the column, as declared
	Input    string // "text", "number", "textarea", "date", "datetime", "time", "select", "radio", "file", "fixed"
	Mode     string // inputmode
	Value    string
	Null     bool // the value is NULL
	CanNull  bool // a box to say NULL by, because an empty field is a value
	Required bool
	Size     int
	Choices  []Choice
	Hint     string
	Error    string
	Was      string // a digest of what was shown
	RefURL   string // of the row it points at
	RefText  string
	Key      bool
	Download string   // address of a file
	CanFind  bool     // there is a search for the row it points at
	Pick     []Choice // rows that this and other columns together may point at
	Tick     bool     // a box says that it is to be changed
	Ticked   bool
	Theirs   *Theirs // what someone else has put there meanwhile
}

// Theirs is the other version of a value.
type Theirs struct {
	Text string
	Null bool
}

// Invalid reports whether the field has an error.
func (f FormField) Invalid() bool { return f.Error != "" }

// Question asks before a row is deleted.
type Question struct {
	Table      string
	TableURL   string
	Title      string
	Action     string
	Back       string
	Facts      []Fact
	Dependants []Dependant
	Blocked    bool
	Hidden     []Hidden
}

// A Dependant is rows that point at the one to be deleted.
type Dependant struct {
	Table  string
	Count  string
	Effect string
	URL    string
}

// A Fact is a name and a value.
type Fact struct {
	Name, Value string
	Null, Mono  bool
	Note        string
}

// Session is the page about the visitor's own session.
type Session struct {
	Visits int
	Facts  []Fact
	Values []Fact
	Queues []Queue
	Popped *Popped
	Others bool   // other sessions of the same user can be ended
	Action string // prefix of the addresses that the buttons post to
}

// A Queue is a queue of messages to try out.
type Queue struct {
	Name     string
	Messages []string // waiting
}

// Popped is what the last Pop or Peek returned.
type Popped struct {
	Queue    string
	Verb     string
	Messages []string
}

// Login asks who is there.
type Login struct {
	Password bool // there are accounts with passwords
	Link     bool // there are one-time links
	Name     string
	Error    string
	Action   string
}

// LoginLink is the page of a one-time link.
type LoginLink struct {
	Action string
	Token  string
	User   string
}

// Problem is a page that says what went wrong and what to do.
type Problem struct {
	Status int
	Text   string
	Hint   string
	Back   string
}

// Audit shows the audit log.
type Audit struct {
	URL     string
	Target  string // of this table only
	Entries []AuditEntry
	Older   string
}

// An AuditEntry is one thing that was done.
type AuditEntry struct {
	At, User, Action, Target, Row string
	URL                           string
	Changes                       []AuditChange
}

// An AuditChange is what became of a value.
type AuditChange struct {
	Column   string
	From, To Theirs
}

// Sessions lists sessions and what happened to them.
type Sessions struct {
	Live    SessionsLive
	LiveURL string // of the stream
	Action  string // prefix of the addresses that the buttons post to
	User    string // of this user only
	URL     string
	MayEnd  bool
}

// SessionsLive is the part that changes while one looks.
type SessionsLive struct {
	Count    string
	Sessions []SessionRow
	More     bool // there are more than are shown
	Chart    Chart
	Rejected []Count
	Events   []SessionEvent
	MayEnd   bool
	At       string
	Language Language
}

// A SessionRow is a session in the list.
type SessionRow struct {
	Handle, User, Device, Address, Created, Seen, Expires string
	URL, UserURL                                          string
	Own                                                   bool
}

// A Count is how often something happened.
type Count struct {
	Name  string
	Count string
}

// A SessionEvent is one thing that happened.
type SessionEvent struct{ At, Kind, Reason, Who string }

// A Chart shows active sessions as a line and logins as bars.
type Chart struct {
	Width, Height int
	Line          string // points of a polyline
	Area          string // points of a polygon
	Bars          []Bar
	Labels        []Label
	Top           string // what the top of the line stands for
	Text          string // the same in words
}

// A Bar is a bar of a Chart.
type Bar struct{ X, Y, Width, Height int }

// A Label stands below a Chart.
type Label struct {
	X    int
	Text string
}

// OneSession is what a session holds.
type OneSession struct {
	Facts  []Fact
	Values []Fact
	Hidden bool // the values are not for this visitor
	Note   string
	Handle string
	User   string
	Own    bool
	MayEnd bool
	Action string
	Back   string
}

func (Audit) template() string      { return "audit" }
func (Sessions) template() string   { return "sessions" }
func (OneSession) template() string { return "onesession" }
func (Home) template() string       { return "home" }
func (List) template() string       { return "list" }
func (Form) template() string       { return "form" }
func (Question) template() string   { return "delete" }
func (Session) template() string    { return "session" }
func (Login) template() string      { return "login" }
func (LoginLink) template() string  { return "link" }
func (Problem) template() string    { return "problem" }
