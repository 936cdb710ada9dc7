package conffile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outline writes entries as LINE KEY=VALUE, for comparison.
func outline(entries []Entry) string {
	var parts []string
	for _, e := range entries {
		text := e.Value.Text
		switch e.Value.Kind {
		case Other:
			text = "?"
		case String:
			text = fmt.Sprintf("%q", text)
		case Array:
			text = "[" + outline(e.Value.Elements) + "]"
		case Table:
			text = "{" + outline(e.Value.Elements) + "}"
		}
		parts = append(parts, fmt.Sprintf("%d %s=%s", e.Line, e.Key, text))
	}
	return strings.Join(parts, ", ")
}

func TestValuesHaveTheirLines(t *testing.T) {
	for _, test := range []struct{ content, want string }{
		{"", ""},
		{"# only a comment\n", ""},
		{"a = 1\n\nb = \"x\"", `1 a=1, 3 b="x"`},
		{"a = 0x10\nb = 1_000\nc = -5\nd = +7\ne = 0o17", "1 a=16, 2 b=1000, 3 c=-5, 4 d=7, 5 e=15"},
		{"a = true\r\nb = 1_0.5\r\nc = 'y'", `1 a=true, 2 b=10.5, 3 c="y"`},
		{"a = [\n 'x',\n # comment\n 'y', 'z',\n]\nb = 1", `1 a=[2 ="x", 4 ="y", 4 ="z"], 6 b=1`},
		{"a = []", "1 a=[]"},
		{"a = [[1]]", "1 a=[1 =[1 =1]]"},
		{"a = {x = 'y', \"/z\" = 2}", `1 a={1 x="y", 1 /z=2}`},
		{"a.x = 'y'\na.y = 'z'", `1 a={1 x="y", 2 y="z"}`},
		{"b = 1\n[a]\nx = 'y'\n\"/z\" = 'w'\n[c]\n", `1 b=1, 2 a={3 x="y", 4 /z="w"}, 5 c={}`},
		{"[a.b]\nx = 1", "1 a={1 b={}, 1 b=?}"},
		{"a = {x.y = 1}", "1 a={1 x=?}"},
		{"[[a]]\nx = 1\n[[a]]", "1 a=?"},
		{"a = 2020-01-01\nb = '''\nx\ny'''\nc = 1", "1 a=?, 2 b=\"x\\ny\", 5 c=1"},
	} {
		entries, err := parse([]byte(test.content))
		if err != nil {
			t.Errorf("%q: %v", test.content, err)
		} else if got := outline(entries); got != test.want {
			t.Errorf("%q: %s, want %s", test.content, got, test.want)
		}
	}
}

func TestWhatIsNoTOMLHasALine(t *testing.T) {
	directory := t.TempDir()
	for _, test := range []struct{ content, want string }{
		{"a = 1\nb =\n", ":2: column"},
		{"a = 1\n\na = 2", ":3: column"},
		{"[t]\nx = 1\n[t]", ":3: column"},
		{"a = 1\na.b = 2", ":2: column"},
		{"a = \"x\ny\"", ":1: column"},
		{"a = ['x'\nb = 1", ":2: column"},
		{"a = 99999999999999999999", ":1: column"},
		{"\n\xff = 1", ":2: column"},
		{"a = 0660", ":1: column"},
		{strings.Repeat("#", MaxSize+1), ": the file has more than"},
	} {
		name := filepath.Join(directory, "f.toml")
		if err := os.WriteFile(name, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(name)
		if err == nil || !strings.HasPrefix(err.Error(), name+test.want) || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%.40q: %v, want %s", test.content, err, test.want)
		}
	}
	for _, name := range []string{filepath.Join(directory, "missing"), directory} {
		if _, err := Read(name); err == nil || !strings.HasPrefix(err.Error(), name+": ") || strings.Count(err.Error(), name) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("a = [1, 'x']\n[b]\nc.d = {e = 1}\n[[f]]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := parse(content)
		if err != nil {
			return
		}
		lines := strings.Count(string(content), "\n") + 1
		seen := map[string]bool{}
		for _, e := range entries {
			if e.Line < 1 || e.Line > lines || seen[e.Key] {
				t.Fatalf("key %q in line %d of %d", e.Key, e.Line, lines)
			}
			seen[e.Key] = true
		}
	})
}
