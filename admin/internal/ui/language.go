package ui

import (
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// A Language is one the interface speaks, as in BCP 47.
type Language string

// The languages.
const (
	English  Language = "en"
	Russian  Language = "ru"
	Japanese Language = "ja"
)

// Languages are all of them; the first is the one to fall back to.
var Languages = []Language{English, Russian, Japanese}

// Name is what its speakers call the language.
func (l Language) Name() string {
	return map[Language]string{English: "English", Russian: "Русский", Japanese: "日本語"}[l]
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Russian, language.Japanese})

// Accepted picks the language for an Accept-Language header.
func Accepted(header string) Language {
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return English
	}
	_, i, _ := matcher.Match(tags...)
	return Languages[i]
}

// Known reports whether l is one of Languages.
func (l Language) Known() bool {
	for _, k := range Languages {
		if k == l {
			return true
		}
	}
	return false
}

// Sprintf formats a message, which the English text stands for, in the
// language. Numbers are written as its speakers do.
func (l Language) Sprintf(format string, args ...any) string {
	return message.NewPrinter(language.Make(string(l)), message.Catalog(messages)).Sprintf(format, args...)
}
