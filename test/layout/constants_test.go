package layout

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"ringway/ring"
)

// goConstants returns the exported constants that a file of package ring declares.
func goConstants(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, declaration := range file.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			for _, identifier := range spec.(*ast.ValueSpec).Names {
				if identifier.IsExported() {
					names = append(names, identifier.Name)
				}
			}
		}
	}
	return names
}

// values reads lines of a name and a number.
func values(t *testing.T, output string) map[string]uint64 {
	t.Helper()
	found := map[string]uint64{}
	lines := bufio.NewScanner(strings.NewReader(output))
	for lines.Scan() {
		var name string
		var value uint64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &name, &value); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if _, twice := found[plain(name)]; twice {
			t.Errorf("%s is there twice", name)
		}
		found[plain(name)] = value
	}
	return found
}

func compareValues(t *testing.T, c, g map[string]uint64) {
	t.Helper()
	for name, value := range c {
		if other, found := g[name]; !found || other != value {
			t.Errorf("%s: %d in C, %d in Go (found: %v)", name, value, other, found)
		}
	}
	for name, value := range g {
		if _, found := c[name]; !found {
			t.Errorf("%s: %d in Go, not in C", name, value)
		}
	}
}

// TestConstants: every number of ring_layout.h is in package ring and the other way round.
func TestConstants(t *testing.T) {
	header := source(t, "native/ring_layout.h")
	names := matches(header, `(?m)^#define (RING_\w+)[ \t]+\S`)
	for _, body := range matches(header, `(?s)\nenum \w+ \{(.*?)\};`) {
		names = append(names, matches(body, `(RING_\w+)`)...)
	}
	if len(names) < 50 {
		t.Fatalf("only %d constants in the header: %v", len(names), names)
	}
	program := "#include \"ring_layout.h\"\n#include <stdio.h>\nint main(void) {\n"
	for _, name := range names {
		program += fmt.Sprintf("    printf(\"%s %%llu\\n\", (unsigned long long)(%s));\n", name, name)
	}
	// Sizes that Go has as constants.
	program += "    printf(\"RING_EVENT_SIZE %llu\\n\", (unsigned long long)sizeof(struct ring_event));\n    return 0;\n}\n"
	c := values(t, run(t, "", compileC(t, program)))

	text := "package main\n\nimport (\n\t\"fmt\"\n\n\t\"ringway/ring\"\n)\n\nfunc main() {\n"
	for _, name := range goConstants(t, "ring/layout.go") {
		text += fmt.Sprintf("\tfmt.Println(%q, uint64(ring.%s))\n", name, name)
	}
	g := values(t, run(t, "", buildGo(t, text+"}\n")))
	compareValues(t, c, g)
}

const namesProgram = `#include "h1_parser.h"
#include "ring_names.h"
#include <stdio.h>
#include <string.h>
#define LINE(id, identifier, lower, wire) \
    printf("%d %s %s %s %u\n", id, #identifier, lower, wire, h1_name_id((const uint8_t *)wire, strlen(wire)));
int main(void) {
    RING_NAMES(LINE)
    printf("%d COUNT - - 0\n", RING_NAME_COUNT);
    return 0;
}
`

// TestNames: the table of well-known field names is the same in both languages, and both find each name.
func TestNames(t *testing.T) {
	c, numbers := map[string]uint64{"nameother": 0}, map[uint64]bool{}
	program := compileC(t, namesProgram, "h1_names.c", "h1_chars.c")
	lines := bufio.NewScanner(strings.NewReader(run(t, "", program)))
	for lines.Scan() {
		var id, found uint64
		var identifier, lower, wire string
		if _, err := fmt.Sscan(lines.Text(), &id, &identifier, &lower, &wire, &found); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		c[plain("RING_NAME_"+identifier)] = id
		if identifier == "COUNT" {
			break
		}
		n := ring.Name(id)
		if n.Lower() != lower || n.Canonical() != wire {
			t.Errorf("name %d: %q and %q in C, %q and %q in Go", id, lower, wire, n.Lower(), n.Canonical())
		}
		if strings.ToLower(wire) != lower || http.CanonicalHeaderKey(lower) != wire {
			t.Errorf("name %d: %q is not how net/http writes %q", id, wire, lower)
		}
		for _, spelling := range []string{lower, wire, strings.ToUpper(lower)} {
			if got := ring.LookupName(spelling); got != n {
				t.Errorf("%q: Go finds number %d, want %d", spelling, got, id)
			}
		}
		if found != id || numbers[id] {
			t.Errorf("%q: C finds number %d, want %d (used before: %v)", wire, found, id, numbers[id])
		}
		numbers[id] = true
	}
	text := "package main\n\nimport (\n\t\"fmt\"\n\n\t\"ringway/ring\"\n)\n\nfunc main() {\n"
	for _, name := range goConstants(t, "ring/names.go") {
		text += fmt.Sprintf("\tfmt.Println(%q, uint64(ring.%s))\n", name, name)
	}
	compareValues(t, c, values(t, run(t, "", buildGo(t, text+"}\n"))))
}
