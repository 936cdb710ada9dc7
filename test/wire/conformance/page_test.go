package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ringway/test/wire"
)

// root is the source tree, seen from this package's directory.
const root = "../../.."

func read(t *testing.T) *wire.Book {
	t.Helper()
	book, err := wire.Read(filepath.Join(root, "test/wire/cases"))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// TestPageIsUpToDate: the committed page is what the cases say.
func TestPageIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := write(&want, read(t)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs/http-conformance.md"))
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/http-conformance.md is not what the cases say (%v): run make conformance", err)
	}
}

// TestPlacesExist: what the rules name is there.
func TestPlacesExist(t *testing.T) {
	for _, rule := range read(t).Rules {
		for _, p := range rule.Code {
			mustHave(t, rule, p, func(word string) string { return `\b` + regexp.QuoteMeta(word) + `\b` })
		}
		for _, p := range rule.Tests {
			mustHave(t, rule, p, func(word string) string { return `(?m)^func ` + regexp.QuoteMeta(word) + `\(` })
		}
	}
}

func mustHave(t *testing.T, rule *wire.Rule, p wire.Place, pattern func(word string) string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, p.File))
	if err != nil {
		t.Errorf("%q: %v", rule.Title, err)
		return
	}
	for _, word := range p.Words {
		if !regexp.MustCompile(pattern(word)).Match(text) {
			t.Errorf("%q: %s has no %s", rule.Title, p.File, word)
		}
	}
}

// TestRulesAreShown: every rule has a clause, code and something that shows it, every exception a reason, and no two
// cases of a file and rule share their name.
func TestRulesAreShown(t *testing.T) {
	clause := regexp.MustCompile(`^(RFC \d{4} [0-9A-Z][0-9A-Z.]*(, ([0-9A-Z][0-9A-Z.]*|RFC \d{4} [0-9A-Z][0-9A-Z.]*))*|PROXY protocol \d[0-9.]*(, \d[0-9.]*)*|docs/design.md \d[0-9.]*)$`)
	book := read(t)
	for _, rule := range book.Rules {
		if !clause.MatchString(rule.Clause) {
			t.Errorf("clause %q: want RFC NNNN SECTION, or a section of the PROXY protocol or of docs/design.md", rule.Clause)
		}
		if len(rule.Code) == 0 || len(rule.Cases)+len(rule.Tests) == 0 {
			t.Errorf("%q has no code, or nothing that shows it", rule.Title)
		}
		names := map[string]bool{}
		for _, one := range rule.Cases {
			if names[one.Name] {
				t.Errorf("%q has two cases %q", rule.Title, one.Name)
			}
			names[one.Name] = true
		}
	}
	for _, e := range book.Exceptions {
		if !clause.MatchString(e.Clause) || strings.TrimSpace(e.Because) == "" {
			t.Errorf("exception %q: want a clause and a reason", e.Title)
		}
	}
	if len(book.Rules) == 0 || len(book.Exceptions) == 0 {
		t.Errorf("%d rules, %d exceptions", len(book.Rules), len(book.Exceptions))
	}
}
