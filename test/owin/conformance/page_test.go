package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"ringway/test/owin/rules"
)

// root is the source tree, seen from this package's directory.
const root = "../../.."

// TestPageIsUpToDate: the committed page is what the rules say.
func TestPageIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := write(&want, rules.All(), rules.Exceptions); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs/owin-conformance.md"))
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("docs/owin-conformance.md is not what the rules say (%v): run make conformance", err)
	}
}

// TestRules: each is shown by something, what it names is there, and names are unique.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range rules.All() {
		if rule.Section == "" || rule.Clause == "" || rule.Title == "" || len(rule.Cases)+len(rule.Tests) == 0 {
			t.Errorf("%q says too little, or is shown by nothing", rule.Title)
		}
		for _, one := range rule.Cases {
			if seen[one.Name] || one.App == nil {
				t.Errorf("case %q has no App, or is there twice", one.Name)
			}
			seen[one.Name] = true
		}
		for _, p := range rule.Tests {
			text, err := os.ReadFile(filepath.Join(root, p.File))
			if err != nil {
				t.Errorf("%q: %v", rule.Title, err)
			}
			for _, name := range p.Tests {
				if !regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(`).Match(text) {
					t.Errorf("%q: %s has no %s", rule.Title, p.File, name)
				}
			}
		}
	}
}
