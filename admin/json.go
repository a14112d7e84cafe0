package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonProblem says what is wrong with a text that is to be JSON, and in which
// line; "" if nothing is.
func jsonProblem(text string) string {
	d := json.NewDecoder(strings.NewReader(text))
	var v json.RawMessage
	err := d.Decode(&v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return ""
		}
		return "there is something after the value"
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		before := text[:min(int(syntax.Offset), len(text))]
		return fmt.Sprintf("%v (line %d)", err, strings.Count(before, "\n")+1)
	}
	return err.Error()
}
