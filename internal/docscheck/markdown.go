// Package docscheck reads the project's Markdown for the tests that hold it to
// the code: the Go in it compiles, its links lead somewhere, its examples are
// real ones.
package docscheck

import (
	"regexp"
	"strings"
)

// A Block is Go code in a document.
type Block struct {
	File    string
	Line    int    // of the first line of code
	Example string // the example function, or the file, that it is from, if a comment before the block names one
	Code    string
}

// exampleComment names what the next block is a part of.
var exampleComment = regexp.MustCompile(`^<!-- (Example\w*|\w+\.go) -->$`)

// Blocks returns the blocks of text that are marked as Go. Others, such as
// output and commands, are none of its business.
func Blocks(file, text string) []Block {
	var blocks []Block
	var b *Block
	example, fenced := "", false
	for i, line := range strings.Split(text, "\n") {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && fenced:
			if b != nil {
				blocks = append(blocks, *b)
			}
			b, example, fenced = nil, "", false
		case fence:
			fenced = true
			if strings.TrimSpace(line) == "```go" {
				b = &Block{File: file, Line: i + 2, Example: example}
			}
		case b != nil:
			b.Code += line + "\n"
		case fenced || strings.TrimSpace(line) == "":
		default:
			example = ""
			if m := exampleComment.FindStringSubmatch(line); m != nil {
				example = m[1]
			}
		}
	}
	return blocks
}

var (
	fencedCode = regexp.MustCompile("(?s)```.*?```")
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Links returns where the links of text lead to.
func Links(text string) []string {
	text = inlineCode.ReplaceAllString(fencedCode.ReplaceAllString(text, ""), "")
	var targets []string
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		targets = append(targets, m[1])
	}
	return targets
}

// Anchors returns what links within text may lead to: a name for each heading.
func Anchors(text string) []string {
	var anchors []string
	for _, m := range heading.FindAllStringSubmatch(fencedCode.ReplaceAllString(text, ""), -1) {
		slug := notInSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), "")
		anchors = append(anchors, strings.ReplaceAll(slug, " ", "-"))
	}
	return anchors
}

// Code returns what stands in backticks in text, outside of blocks.
func Code(text string) []string {
	var words []string
	for _, m := range inlineCode.FindAllString(fencedCode.ReplaceAllString(text, ""), -1) {
		words = append(words, strings.Trim(m, "`"))
	}
	return words
}
