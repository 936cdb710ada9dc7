package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the source tree, seen from this package's directory.
const root = "../.."

// page is a document.
type page struct {
	name string // seen from the source tree's root
	text string
}

// block is a fenced block of a page.
type block struct {
	language string
	line     int // of the fence
	text     string
}

func pages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	if err != nil || len(names) < 5 {
		t.Fatalf("pages %q, %v", names, err)
	}
	var all []page
	for _, name := range append(names, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page{relative, string(text)})
	}
	return all
}

func (p page) blocks(t *testing.T) []block {
	t.Helper()
	var all []block
	var open *block
	number := 0
	for line := range strings.Lines(p.text) {
		number++
		language, fence := strings.CutPrefix(strings.TrimRight(line, " \n"), "```")
		switch {
		case fence && open == nil:
			open = &block{language: language, line: number}
		case fence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		t.Errorf("%s:%d: a block without an end", p.name, open.line)
	}
	return all
}

var comment = regexp.MustCompile(`\s+# .*$`)

// commands are the lines of a block for a shell, without comments; a line that ends with a backslash goes on.
func (b block) commands() []string {
	var all []string
	for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
		if line = comment.ReplaceAllString(strings.TrimSpace(line), ""); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

var indentedCommand = regexp.MustCompile(`^ {4,}(\w+=\S+ )*(\S*/)?(gateway|make|go|curl|docker|systemctl|kill|install|myservice) `)

// TestCommandsAreMarked: no command escapes the test by standing in another kind of block.
func TestCommandsAreMarked(t *testing.T) {
	for _, p := range pages(t) {
		number := 0
		for line := range strings.Lines(p.text) {
			number++
			if indentedCommand.MatchString(line) {
				t.Errorf("%s:%d: %q is not in a block that begins with ```sh", p.name, number, line)
			}
		}
		for _, b := range p.blocks(t) {
			switch b.language {
			case "sh", "go", "yaml":
			default:
				t.Errorf("%s:%d: a block in %q, expected sh, go or yaml", p.name, b.line, b.language)
			}
		}
	}
}
