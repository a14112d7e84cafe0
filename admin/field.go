package admin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scarab-go/scarab/admin/internal/schema"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// An entry is the content of a form field: what a browser sends back of it
// if nobody touches it.
type entry struct {
	text string
	null bool
}

// digest stands in the form for what a field held when it was shown. It tells
// apart what this person changed from what someone else changed meanwhile.
func (e entry) digest() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%t %s", e.null, e.text))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// entryOf is the field's content for a value of the database.
func entryOf(c *schema.Column, value any) entry {
	if value == nil {
		return entry{null: true}
	}
	if b, ok := value.([]byte); ok {
		sum := sha256.Sum256(b)
		return entry{text: hex.EncodeToString(sum[:])}
	}
	if yes, ok := boolOf(c, value); ok {
		return entry{text: strconv.FormatBool(yes)}
	}
	return entry{text: unixLines(columnText(c, value))}
}

// unixLines undoes what browsers do to the ends of lines.
func unixLines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// editable reports whether a form can hold the value and give it back.
func editable(c *schema.Column, value any) bool {
	if c.Generated {
		return false
	}
	switch value := value.(type) {
	case []byte:
		return c.Kind == schema.Binary
	case string:
		return utf8.ValidString(value) && !strings.ContainsRune(value, 0)
	}
	return true
}

// canNull reports whether the form needs a box to say NULL by: where an empty
// field is a value, or means that nothing changes.
func canNull(c *schema.Column) bool {
	return !c.NotNull && !c.Key && (c.Kind.Textual() || c.Kind == schema.Binary)
}

// optional reports whether the database fills in what is left out.
func optional(c *schema.Column) bool { return c.Default != nil || c.Auto }

// parse makes a value for the database of what was typed. skip means that the
// column is left to its default. The error is for the visitor.
func (v *visit) parse(c *schema.Column, e entry, isNew bool) (value any, skip bool, problem string) {
	if e.null {
		return nil, false, ""
	}
	text := e.text
	if !c.Kind.Textual() {
		text = strings.TrimSpace(text)
	}
	if text == "" && !c.Kind.Textual() {
		switch {
		case isNew && optional(c):
			return nil, true, ""
		case c.NotNull || c.Key:
			return nil, false, v.t("A value is needed here.")
		default:
			return nil, false, ""
		}
	}
	if text == "" && isNew && c.Default != nil && !literalDefault(c) {
		return nil, true, ""
	}
	if c.Size > 0 && utf8.RuneCountInString(text) > c.Size {
		return nil, false, v.t("At most %d characters; these are %d.", c.Size, utf8.RuneCountInString(text))
	}
	return v.parseText(c, text)
}

var decimal = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)$`)

func (v *visit) parseText(c *schema.Column, text string) (value any, skip bool, problem string) {
	switch c.Kind {
	case schema.Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return text, false, "" // the database knows whether it has room for it
		case err != nil:
			return nil, false, v.t("This is not a whole number, such as 42.")
		}
		return n, false, ""
	case schema.Decimal:
		if !decimal.MatchString(text) && !v.special(text) {
			return nil, false, v.t("This is not a number, such as 12.50.")
		}
		return text, false, ""
	case schema.Float:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, false, v.t("This is not a number, such as 12.50.")
		}
		return f, false, ""
	case schema.Bool:
		yes, err := strconv.ParseBool(text)
		if err != nil {
			return nil, false, v.t("Choose yes or no.")
		}
		return v.boolean(yes), false, ""
	case schema.Date:
		return v.parseTime(text, v.t("This is not a date, such as 2026-03-31."), dateLayout, dateLayout)
	case schema.Time:
		return v.parseTime(text, v.t("This is not a time, such as 17:30."), clockLayout, clockLayout, "15:04")
	case schema.DateTime:
		return v.parseTime(text, v.t("This is not a date and time, such as 2026-03-31 17:30."), momentLayout, momentLayout,
			"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04")
	case schema.Enum:
		if !slices.Contains(c.Choices, text) {
			return nil, false, v.t("Choose one of the values.")
		}
		return text, false, ""
	case schema.JSON:
		if problem := jsonProblem(text); problem != "" {
			return nil, false, v.t("This is not JSON: %s", problem)
		}
		return text, false, ""
	}
	return text, false, ""
}

// special reports whether text is a value of PostgreSQL that is written as a
// word, for numbers and for times.
func (v *visit) special(text string) bool {
	return v.h.cfg.Dialect == PostgreSQL && specialWord.MatchString(text)
}

var (
	specialWord = regexp.MustCompile(`(?i)^([+-]?infinity|nan|24:00(:00)?|\d{4,6}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d+)?)?([+-]\d\d(:\d\d){0,2})? bc)$`)

	// MySQL's TIME is a span of time as well.
	span = regexp.MustCompile(`^-?\d{1,3}:\d\d(:\d\d(\.\d+)?)?$`)
)

const (
	dateLayout   = "2006-01-02"
	clockLayout  = "15:04:05"
	momentLayout = "2006-01-02 15:04:05"
)

// parseTime accepts the layouts and writes the first of them. It also accepts
// what has parts that a form cannot show, such as fractions of a second.
func (v *visit) parseTime(text, problem, write string, layouts ...string) (any, bool, string) {
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil {
			if t.Nanosecond() != 0 {
				return strings.Replace(text, "T", " ", 1), false, ""
			}
			return t.Format(write), false, ""
		}
	}
	for _, l := range zoned {
		if _, err := time.Parse(l, strings.Replace(text, "T", " ", 1)); err == nil {
			return text, false, ""
		}
	}
	if v.special(text) || v.h.cfg.Dialect == MySQL && write == clockLayout && span.MatchString(text) {
		return text, false, ""
	}
	return nil, false, problem
}

// zoned are the notations of times with a zone.
var zoned = [...]string{"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00:00", "15:04:05Z07:00", "15:04:05Z07"}

// boolean is true or false as the database keeps it.
func (v *visit) boolean(yes bool) any {
	if v.h.cfg.Dialect == PostgreSQL {
		return yes
	}
	if yes {
		return int64(1)
	}
	return int64(0)
}

// literalDefault reports whether the default is a constant that a form can
// show, rather than an expression.
func literalDefault(c *schema.Column) bool {
	_, ok := defaultText(c)
	return ok
}

var quoted = regexp.MustCompile(`^'((?:[^']|'')*)'(?:::[a-z ]+(?:\(\d+\))?)?$`)

// defaultText is the default as a form field shows it.
func defaultText(c *schema.Column) (string, bool) {
	if c.Default == nil {
		return "", false
	}
	d := *c.Default
	if m := quoted.FindStringSubmatch(d); m != nil {
		return strings.ReplaceAll(m[1], "''", "'"), true
	}
	if c.Kind == schema.Bool {
		yes, err := strconv.ParseBool(strings.ToLower(d))
		return strconv.FormatBool(yes), err == nil
	}
	return d, decimal.MatchString(d)
}

// field makes the form field for an entry.
func (v *visit) field(i int, c *schema.Column, e entry, isNew bool) ui.FormField {
	f := ui.FormField{
		Name: c.Name, Slug: c.Slug(), ID: "field-" + strconv.Itoa(i), Type: strings.ToLower(c.Type), Value: e.text, Null: e.null,
		CanNull: canNull(c), Key: c.Key, Size: c.Size,
		Required: c.NotNull && !c.Kind.Textual() && !(isNew && optional(c)),
	}
	if isNew && c.Default != nil && !literalDefault(c) {
		f.Hint = v.t("Left empty: %s", *c.Default)
	} else if isNew && c.Auto {
		f.Hint = v.t("Left empty: the next number")
	}
	switch c.Kind {
	case schema.Integer:
		f.Input, f.Mode = "text", "numeric"
	case schema.Decimal, schema.Float:
		f.Input, f.Mode = "text", "decimal"
	case schema.Bool:
		f.Input = "radio"
		f.Choices = []ui.Choice{{Value: "true", Label: v.t("yes"), Selected: e.text == "true"}, {Value: "false", Label: v.t("no"), Selected: e.text == "false"}}
		if !c.NotNull {
			f.Choices = append(f.Choices, ui.Choice{Label: "NULL", Selected: e.null || e.text == ""})
		}
	case schema.Date:
		f.Input = timeInput("date", e.text, dateLayout)
	case schema.Time:
		f.Input = timeInput("time", e.text, clockLayout)
	case schema.DateTime:
		f.Input = timeInput("datetime", e.text, momentLayout, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04")
		if f.Input == "datetime" {
			f.Value = strings.Replace(e.text, " ", "T", 1)
		}
	case schema.Enum:
		f.Input = "select"
		if !c.NotNull || isNew && e.text == "" || !slices.Contains(c.Choices, e.text) {
			f.Choices = append(f.Choices, ui.Choice{Value: "", Label: "–", Selected: e.text == ""})
		}
		for _, choice := range c.Choices {
			f.Choices = append(f.Choices, ui.Choice{Value: choice, Label: choice, Selected: choice == e.text})
		}
		if !slices.Contains(c.Choices, e.text) && e.text != "" {
			f.Choices = append(f.Choices, ui.Choice{Value: e.text, Label: e.text, Selected: true})
		}
	case schema.LongText, schema.JSON, schema.Other:
		f.Input = "textarea"
	case schema.Binary:
		f.Input, f.Value = "file", ""
	default:
		f.Input = "text"
		if strings.Contains(e.text, "\n") {
			f.Input = "textarea" // an input would join the lines
		}
	}
	return f
}

// timeInput is input if the browser's widget can show text, and else a plain
// field: a widget would show nothing and send nothing back.
func timeInput(input, text string, layouts ...string) string {
	if text == "" {
		return input
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil && t.Nanosecond() == 0 {
			return input
		}
	}
	return "text"
}
