package schema_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/testdb"
	"github.com/scarab-go/scarab/internal/testserver"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// The same shop reads the same from every kind of database, but for what the
// types are called.
func TestRead_shop(t *testing.T) {
	const want = `customers key=id label=name
  id integer auto notnull
  name text notnull size=80
  email text notnull unique size=120
  phone text size=40
  city text notnull size=60 default=''
  country text notnull size=2
  born_on date
  newsletter boolean notnull default=false
  notes long text
  created_at date and time notnull default=CURRENT_TIMESTAMP
order_lines key=order_id key=line label=
  order_id integer notnull -> orders.id CASCADE
  line integer notnull
  product_id integer notnull -> products.id 
  quantity integer notnull default=1
  price decimal notnull
  total decimal generated
orders key=id label=
  id integer auto notnull
  customer_id integer notnull -> customers.id 
  status enumeration notnull default='new' choices=[new paid shipped delivered cancelled]
  placed_at date and time notnull default=CURRENT_TIMESTAMP
  shipped_at date and time
  comment long text
product_tags key=product_id key=tag_id label=
  product_id integer notnull -> products.id CASCADE
  tag_id integer notnull -> tags.id 
products key=id label=name
  id integer auto notnull
  sku text notnull unique size=20
  name text notnull size=80
  description long text
  price decimal notnull
  in_stock integer notnull default=0
  active boolean notnull default=true
  attributes JSON
  picture binary
  released_on date
sales_by_month view
tags key=id label=name
  id integer auto notnull
  name text notnull unique size=40
  color text notnull size=7 default='#4a5568'
`
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		db := k.Shop(t)
		if d, err := schema.Detect(t.Context(), db); d != k.Dialect || err != nil {
			t.Fatalf("detected %q, %v", d, err)
		}
		var got strings.Builder
		for _, table := range read(t, db, k).Tables {
			write(&got, table, false)
		}
		if got.String() != want {
			t.Errorf("got\n%s\nwant\n%s", got.String(), want)
		}
	})
}

// Checks of two tables have the same name in MariaDB: CONSTRAINT_1.
func TestRead_checksOfTwoTables(t *testing.T) {
	testdb.Each(t, func(t *testing.T, k testdb.Kind) {
		db := k.Open(t)
		for _, statement := range []string{
			"CREATE TABLE a (id INTEGER PRIMARY KEY, size VARCHAR(9), CHECK (size IN ('s', 'm')))",
			"CREATE TABLE b (id INTEGER PRIMARY KEY, size VARCHAR(9), CHECK (size IN ('l', 'xl')))",
		} {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		var got strings.Builder
		for _, table := range read(t, db, k).Tables {
			fmt.Fprintln(&got, table.Name, table.Column("size").Choices)
		}
		if want := "a [s m]\nb [l xl]\n"; got.String() != want {
			t.Errorf("got\n%swant\n%s", got.String(), want)
		}
	})
}

// An explained asks the database how it will carry out each query.
type explained struct {
	*sql.DB
	t *testing.T
}

func (e explained) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	plan, err := e.DB.QueryContext(ctx, "EXPLAIN "+query, args...)
	if err != nil {
		return nil, err
	}
	defer plan.Close()
	for plan.Next() {
		var s string
		var extra *string
		if err := plan.Scan(new(any), &s, new(any), new(any), new(any), new(any), new(any), new(any), new(any), &extra); err != nil {
			return nil, err
		}
		if extra != nil && strings.Contains(*extra, "Scanned all databases") {
			e.t.Errorf("%s\nreads all databases of the server: %s", query, *extra)
		}
	}
	return e.DB.QueryContext(ctx, query, args...)
}

func TestRead_onlyThisDatabase(t *testing.T) {
	t.Parallel()
	read(t, explained{testdb.Maria.Open(t), t}, testdb.Maria)
}

// MariaDB tells nobody what a foreign key does who may only read its table.
func TestRead_hiddenRule(t *testing.T) {
	t.Parallel()
	db := testdb.Maria.Open(t)
	var name, host string
	if err := db.QueryRow("SELECT DATABASE(), SUBSTRING_INDEX(USER(), '@', -1)").Scan(&name, &host); err != nil {
		t.Fatal(err)
	}
	user := strings.Replace(name, "test", "reader", 1)
	reader := user + "@'" + host + "'"
	for _, statement := range []string{
		"CREATE TABLE parent (id INTEGER PRIMARY KEY)",
		"CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)",
		"CREATE USER " + reader,
		"GRANT SELECT, DELETE ON parent TO " + reader,
		"GRANT SELECT ON child TO " + reader,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { db.Exec("DROP USER " + reader) })
	rule := func(who schema.Querier) string { return read(t, who, testdb.Maria).Tables[0].Refs[0].OnDelete }
	if got := rule(db); got != "CASCADE" {
		t.Errorf("the owner reads %q", got)
	}
	dsn, err := mysql.ParseDSN(testserver.SharedMySQL(t).DSN)
	if err != nil {
		t.Fatal(err)
	}
	dsn.User, dsn.Passwd, dsn.DBName = user, "", name
	asReader, err := sql.Open("mysql", dsn.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer asReader.Close()
	if got := rule(asReader); got != schema.Hidden {
		t.Errorf("who may read only reads %q", got)
	}
}

func read(t *testing.T, db schema.Querier, k testdb.Kind) *schema.Schema {
	t.Helper()
	s, err := schema.Read(t.Context(), db, k.Dialect)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write describes a table; indexed: with the indexes.
func write(b *strings.Builder, t *schema.Table, indexed bool) {
	b.WriteString(t.FullName())
	if t.View {
		b.WriteString(" view\n")
		return
	}
	for _, c := range t.Key {
		b.WriteString(" key=" + c.Name)
	}
	b.WriteString(" label=")
	if c := t.Label(); c != nil && c.Kind == schema.Text {
		b.WriteString(c.Name)
	}
	b.WriteString("\n")
	for _, c := range t.Columns {
		fmt.Fprintf(b, "  %s %v", c.Name, c.Kind)
		for _, word := range []struct {
			text string
			is   bool
		}{{"auto", c.Auto}, {"notnull", c.NotNull || c.Auto}, {"unique", c.Unique && !c.Key}, {"indexed", indexed && c.Indexed}, {"generated", c.Generated}} {
			if word.is {
				b.WriteString(" " + word.text)
			}
		}
		if c.Size > 0 && c.Kind != schema.Enum {
			fmt.Fprintf(b, " size=%d", c.Size)
		}
		if c.Default != nil {
			b.WriteString(" default=" + plain(*c.Default, c.Kind))
		}
		if c.Choices != nil {
			fmt.Fprintf(b, " choices=%v", c.Choices)
		}
		if fk := t.Ref(c); fk != nil {
			fmt.Fprintf(b, " -> %s.%s %s", fk.Table.Name, fk.To[0].Name, fk.OnDelete)
		}
		b.WriteString("\n")
	}
}

// plain leaves out how a database writes a default.
func plain(text string, k schema.Kind) string {
	text, _, _ = strings.Cut(text, "::")
	switch {
	case strings.EqualFold(text, "current_timestamp()"):
		return "CURRENT_TIMESTAMP"
	case k == schema.Bool && text == "0":
		return "false"
	case k == schema.Bool && text == "1":
		return "true"
	}
	return text
}
