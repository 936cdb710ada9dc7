package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// shell runs a script in a directory with the files worker-1 and worker-2, after the completion script, and returns its lines.
func shell(t *testing.T, name, script string, flags ...string) []string {
	t.Helper()
	directory := t.TempDir()
	for _, file := range []string{"worker-1", "worker-2"} {
		if err := os.WriteFile(filepath.Join(directory, file), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command(name, append(flags, "-c", print(t, "completion", filepath.Base(name))+"\n"+script)...)
	command.Dir = directory
	command.Env = append(os.Environ(), "HOME="+directory, "XDG_CONFIG_HOME="+directory, "XDG_DATA_HOME="+directory)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, output)
	}
	return strings.Fields(string(output))
}

// completions are words to be completed and what is to be offered.
var completions = []struct {
	words []string // the last one is completed
	want  []string
}{
	{[]string{"sw"}, []string{"swap"}},
	{[]string{"st"}, []string{"status", "stop"}},
	{[]string{"serve", "--queue"}, []string{"--queue-deadline"}},
	{[]string{"status", "--"}, []string{"--admin", "--admin-token-file", "--json", "--ready"}},
	{[]string{"serve", "--log-format", ""}, []string{"json", "text"}},
	{[]string{"swap", "wor"}, []string{"worker-1", "worker-2"}},
	{[]string{"serve", "--worker", "worker-2"}, []string{"worker-2"}},
	{[]string{"completion", "z"}, []string{"zsh"}},
	{[]string{"help", "roll"}, []string{"rollback"}},
	{[]string{"rollback", "x"}, nil},
}

func TestBashCompletes(t *testing.T) {
	for _, test := range append(completions, struct{ words, want []string }{[]string{"serve", "--log-format", "=", "j"}, []string{"json"}},
		struct{ words, want []string }{[]string{"serve", "--queue-deadline", "="}, nil},
		struct{ words, want []string }{[]string{"serve", "--", "worker-1"}, []string{"worker-1"}}) {
		words := "gateway"
		for _, word := range test.words {
			words += " '" + word + "'"
		}
		got := shell(t, "bash", fmt.Sprintf("COMP_WORDS=(%s); COMP_CWORD=%d; _gateway; printf '%%s\\n' \"${COMPREPLY[@]}\"", words, len(test.words)), "--norc")
		if slices.Sort(got); !slices.Equal(got, test.want) {
			t.Errorf("%q completes to %q, want %q", test.words, got, test.want)
		}
	}
}

func TestFishCompletes(t *testing.T) {
	for _, test := range completions {
		var got []string
		line := "gateway " + strings.Join(test.words, " ")
		// What is behind a tab is the description.
		for _, word := range shell(t, "fish", "complete -C '"+line+"' | string replace -r '\\t.*' ''; true", "--no-config") {
			if !slices.Contains(got, word) {
				got = append(got, word)
			}
		}
		if slices.Sort(got); !slices.Equal(got, test.want) {
			t.Errorf("%q completes to %q, want %q", test.words, got, test.want)
		}
	}
}

// TestZshKnowsAll: zsh completes in a terminal only, so it reads the script, and shows what _arguments is called with.
func TestZshKnowsAll(t *testing.T) {
	for _, c := range commands() {
		script := fmt.Sprintf("words=(gateway %s x); CURRENT=3; _arguments() { printf '%%s\\n' \"$@\" }; _gateway", c.name)
		got := shell(t, "zsh", script, "-f")
		text := strings.Join(got, " ")
		c.eachFlag(func(flag *pflag.Flag) {
			if !strings.Contains(text, "--"+flag.Name) {
				t.Errorf("%s: --%s is not completed: %q", c.name, flag.Name, text)
			}
		})
		if c.operand == fileOperand && !strings.Contains(text, "1:program:_files") {
			t.Errorf("%s: no files: %q", c.name, text)
		}
	}
}
