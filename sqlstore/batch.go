package sqlstore

import (
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// batch runs steps in a transaction that takes one round trip. A message that
// holds several statements holds no arguments, so these are in the text: drivers
// send a text without arguments as it is. Statements after the lock see what was
// committed before it was granted.
func (s *Store) batch(ctx context.Context, steps []step) (int64, error) {
	text := []string{s.dialect.batch}
	for _, step := range steps {
		statement, err := interpolate(step.q.text, step.args)
		if err != nil {
			return 0, err
		}
		text = append(text, statement)
	}
	return s.exec(ctx, nil, &query{text: strings.Join(text, ";\n"), once: true})
}

var placeholder = regexp.MustCompile(`\$[0-9]+`)

// interpolate puts args into text for $1, $2 and so on.
func interpolate(text string, args []any) (string, error) {
	var failed error
	text = placeholder.ReplaceAllStringFunc(text, func(p string) string {
		n, _ := strconv.Atoi(p[1:])
		literal, err := literal(args[n-1])
		if err != nil {
			failed = err
		}
		return literal
	})
	return text, failed
}

// literal writes an argument as PostgreSQL reads it, whatever its settings. It
// consists of digits, so that nothing an argument holds can be taken for SQL.
func literal(arg any) (string, error) {
	switch arg := arg.(type) {
	case []byte:
		return "decode('" + hex.EncodeToString(arg) + "', 'hex')", nil
	case int64:
		return "(" + strconv.FormatInt(arg, 10) + ")", nil
	}
	return "", fmt.Errorf("sqlstore: an argument is a %T, neither bytes nor a number", arg)
}
