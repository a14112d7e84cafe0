package schema

import (
	"regexp"
	"strings"
)

var checkIn = regexp.MustCompile("(?is)check\\s*\\(\\s*(\"(?:[^\"]|\"\")+\"|`[^`]+`|\\[[^\\]]+\\]|[a-z_][a-z_0-9]*)\\s+in\\s*\\(((?:\\s*'(?:[^']|'')*'\\s*,?)+)\\)\\s*\\)")

var quotedText = regexp.MustCompile(`'((?:[^']|'')*)'`)

// checkChoices finds the constraints CHECK (column IN ('a', 'b')) in a CREATE
// TABLE statement. It may miss some, which leaves a plain text field; the
// database enforces them in any case.
func checkChoices(source string) map[string][]string {
	out := map[string][]string{}
	for _, m := range checkIn.FindAllStringSubmatch(source, -1) {
		name := m[1]
		switch name[0] {
		case '"':
			name = strings.ReplaceAll(name[1:len(name)-1], `""`, `"`)
		case '`', '[':
			name = name[1 : len(name)-1]
		}
		for _, v := range quotedText.FindAllStringSubmatch(m[2], -1) {
			out[name] = append(out[name], strings.ReplaceAll(v[1], "''", "'"))
		}
	}
	return out
}
