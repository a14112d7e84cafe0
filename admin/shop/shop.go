// Package shop makes the sample database that `scarab serve` opens: a small
// shop with customers, products, tags and orders. What it holds is generated,
// and the same each time.
package shop

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/scarab-go/scarab/admin/internal/schema"
)

//go:embed *.sql
var tables embed.FS

// Customers, Products and Orders are how many of them Create makes.
const (
	Customers = 400
	Products  = 120
	Orders    = 1500
)

// Create makes the tables of the shop in a database and fills them, in one
// transaction where the database can. It fails if there is a table of one of
// the names.
func Create(ctx context.Context, db *sql.DB, d schema.Dialect) error {
	text, err := tables.ReadFile(string(d) + ".sql")
	if err != nil {
		return fmt.Errorf("shop: there is none for the dialect %q", d)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("shop: %w", err)
	}
	defer tx.Rollback()
	for statement := range strings.SplitSeq(string(text), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("shop: %w", err)
		}
	}
	s := &stock{ctx: ctx, tx: tx, dialect: d, statements: map[string]*sql.Stmt{}, rand: rand.New(rand.NewPCG(1, 2))}
	s.tags()
	s.products()
	s.customers()
	s.orders()
	if s.err != nil {
		return fmt.Errorf("shop: %w", s.err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("shop: %w", err)
	}
	return nil
}

// A stock fills the tables. The first error stops it.
type stock struct {
	ctx        context.Context
	tx         *sql.Tx
	dialect    schema.Dialect
	statements map[string]*sql.Stmt // closed with tx
	rand       *rand.Rand
	prices     []int // in cents, by product
	err        error
}

func (s *stock) insert(into string, values ...any) {
	if s.err != nil {
		return
	}
	statement := s.statements[into]
	if statement == nil {
		marks := make([]string, len(values))
		for i := range marks {
			marks[i] = s.dialect.Placeholder(i + 1)
		}
		if statement, s.err = s.tx.PrepareContext(s.ctx, "INSERT INTO "+into+" VALUES ("+strings.Join(marks, ", ")+")"); s.err != nil {
			return
		}
		s.statements[into] = statement
	}
	_, s.err = statement.ExecContext(s.ctx, values...)
}

func pick[T any](s *stock, from []T) T { return from[s.rand.IntN(len(from))] }

// opening is the day the shop opened; everything is dated from it.
var opening = time.Date(2025, 3, 3, 8, 0, 0, 0, time.UTC)

func (s *stock) day(within int) time.Time {
	return opening.Add(time.Duration(s.rand.IntN(within*24*60)) * time.Minute)
}

const (
	dateFormat = "2006-01-02"
	timeFormat = "2006-01-02 15:04:05"
)

func (s *stock) tags() {
	for _, t := range tagNames {
		s.insert("tags (name, color)", t.name, t.color)
	}
}

func (s *stock) products() {
	names := map[string]bool{}
	for i := 1; i <= Products; i++ {
		kind := kinds[i%len(kinds)]
		name := pick(s, adjectives) + " " + kind.name
		for names[name] {
			name = pick(s, adjectives) + " " + pick(s, materials) + " " + kind.name
		}
		names[name] = true
		price := kind.cents + s.rand.IntN(kind.cents)/5*5
		s.prices = append(s.prices, price)
		var attributes any
		if i%3 != 0 {
			attributes = fmt.Sprintf(`{"material": %q, "weight_g": %d}`, pick(s, materials), 50+s.rand.IntN(3000))
		}
		var description any
		if i%4 != 0 {
			description = fmt.Sprintf("%s. Made of %s in small batches.\nReturns within %d days.", name, pick(s, materials), pick(s, []int{14, 30, 60}))
		}
		s.insert("products (sku, name, description, price, in_stock, active, attributes, released_on)",
			fmt.Sprintf("%s-%04d", strings.ToUpper(kind.name[:3]), i), name, description, fmt.Sprintf("%d.%02d", price/100, price%100),
			s.rand.IntN(200), s.rand.IntN(12) > 0, attributes, s.day(300).Format(dateFormat))
		first := s.rand.IntN(len(tagNames))
		for n := range s.rand.IntN(4) {
			s.insert("product_tags (product_id, tag_id)", i, (first+n*3)%len(tagNames)+1)
		}
	}
}

func (s *stock) customers() {
	for i := 1; i <= Customers; i++ {
		first, last, place := pick(s, firstNames), pick(s, lastNames), pick(s, places)
		var phone, born, notes any
		if s.rand.IntN(3) > 0 {
			phone = fmt.Sprintf("+%d 555 %04d", place.code, s.rand.IntN(10000))
		}
		if s.rand.IntN(3) > 0 {
			born = time.Date(1945+s.rand.IntN(62), time.Month(1+s.rand.IntN(12)), 1+s.rand.IntN(28), 0, 0, 0, 0, time.UTC).Format(dateFormat)
		}
		if s.rand.IntN(8) == 0 {
			notes = pick(s, remarks)
		}
		s.insert("customers (name, email, phone, city, country, born_on, newsletter, notes, created_at)",
			first+" "+last, fmt.Sprintf("%s.%s.%d@example.com", ascii(first), ascii(last), i), phone, place.city, place.country,
			born, s.rand.IntN(2) == 1, notes, s.day(500).Format(timeFormat))
	}
}

func (s *stock) orders() {
	for i := 1; i <= Orders; i++ {
		placed := s.day(600)
		status := pick(s, statuses)
		var shipped any
		if status == "shipped" || status == "delivered" {
			shipped = placed.Add(time.Duration(5+s.rand.IntN(90)) * time.Hour).Format(timeFormat)
		}
		s.insert("orders (customer_id, status, placed_at, shipped_at)", 1+s.rand.IntN(Customers), status, placed.Format(timeFormat), shipped)
		product := s.rand.IntN(Products)
		for line := 1; line <= 1+s.rand.IntN(4); line++ {
			product = (product + 1 + s.rand.IntN(20)) % Products
			cents := s.prices[product]
			s.insert("order_lines (order_id, line, product_id, quantity, price)", i, line, product+1, 1+s.rand.IntN(5), fmt.Sprintf("%d.%02d", cents/100, cents%100))
		}
	}
}

// ascii leaves only small letters, for addresses.
func ascii(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if l, ok := plainLetters[r]; ok {
			b.WriteString(l)
		} else if 'a' <= r && r <= 'z' {
			b.WriteRune(r)
		}
	}
	return b.String()
}
