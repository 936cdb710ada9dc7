package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"ringway/internal/admin"
	"ringway/ring"
)

// print runs a command that has to succeed, and returns what it prints.
func print(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := Run(args, &stdout, &stderr, noEngine(t)); code != exitOK || stderr.Len() != 0 {
		t.Fatalf("%q: exit code %d, stderr %q", args, code, stderr.String())
	}
	return stdout.String()
}

func TestEachCommandHasHelp(t *testing.T) {
	list := print(t, "help")
	for _, c := range commands() {
		if !strings.Contains(list, "\n  "+c.name+" ") {
			t.Errorf("help does not list %s", c.name)
		}
		text := print(t, "help", c.name)
		if !strings.Contains(text, "Usage: "+c.synopsis()+"\n") {
			t.Errorf("help %s: %q, want its usage", c.name, text)
		}
		c.eachFlag(func(flag *pflag.Flag) {
			if !strings.Contains(text, "--"+flag.Name) {
				t.Errorf("help %s lacks --%s", c.name, flag.Name)
			}
		})
		if c.name != "help" {
			if other := print(t, c.name, "--help"); other != text {
				t.Errorf("%s --help prints %q, help %s %q", c.name, other, c.name, text)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	var v versionInfo
	if err := json.Unmarshal([]byte(print(t, "version", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	if v.Version != version || v.Layout != ring.LayoutVersion || v.Go != runtime.Version() || v.OS != "linux" || v.Arch != runtime.GOARCH {
		t.Errorf("%+v", v)
	}
	for want, settings := range map[string][]debug.BuildSetting{
		"":              {{Key: "GOOS", Value: "linux"}},
		"0123456789ab":  {{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "false"}},
		"0123456789ab+": {{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}},
		"7":             {{Key: "vcs.revision", Value: "7"}},
	} {
		if got := revision(settings); got != want {
			t.Errorf("revision of %v is %q, want %q", settings, got, want)
		}
	}
}

// TestExitCodes: each of those that the reference tells of, and one line that says what to do.
func TestExitCodes(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"detail": "no release to go back to, expected one that was active"}`))
	}))
	defer refusing.Close()
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"version", exitOK, ""},
		{"check --listen 127.0.0.1:0 --admin 127.0.0.1:0 --socket " + t.TempDir() + "/s", exitOK, ""},
		{"status --admin 127.0.0.1:1", exitFailure, "`gateway serve`"},
		{"rollback --admin " + strings.TrimPrefix(refusing.URL, "http://"), exitFailure, "expected one that was active"},
		{"rollback now", exitBadInput, "expected none after rollback"},
		{"drain one", exitBadInput, "`gateway status`"},
		{"swap", exitBadInput, "PATH"},
		{"status --jsom", exitBadInput, "expected --json or another one that `gateway help status` lists"},
		{"serve --confgi x", exitBadInput, "expected --config or another one that `gateway help serve` lists"},
		{"completion", exitBadInput, "expected bash, zsh or fish"},
		{"completion tcsh", exitBadInput, "expected bash, zsh or fish"},
		{"man page", exitBadInput, "expected none after man"},
		{"help swap now", exitBadInput, "expected serve"},
	} {
		var stdout, stderr bytes.Buffer
		code := Run(strings.Fields(test.args), &stdout, &stderr, noEngine(t))
		if code != test.code || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s: exit code %d, stderr %q, want %d and %q", test.args, code, stderr.String(), test.code, test.want)
		}
		if lines := strings.Count(stderr.String(), "\n"); lines != min(code, 1) {
			t.Errorf("%s: %d lines on stderr", test.args, lines)
		}
	}
	if len(exitCodes) != 3 || exitCodes[exitBadInput].name != "2" {
		t.Errorf("the manual tells of other exit codes: %v", exitCodes)
	}
}

// TestWhatFailsOnItsWayTellsWhatIsNext: the reason of an order that was begun is one of the gateway's; the line ends with what to do.
func TestWhatFailsOnItsWayTellsWhatIsNext(t *testing.T) {
	reason := ""
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(admin.Progress{Step: "release b is failed", Done: true, Error: reason})
	}))
	defer gateway.Close()
	for _, test := range []struct{ command, reason, want string }{
		{"swap", "a worker ended", "gateway: a worker ended; the release before serves on; mend it and swap again\n"},
		{"swap", "too late, expected it sooner", "gateway: too late, expected it sooner\n"},
		{"upgrade", "it ended", "gateway: it ended; this gateway serves on, and its log has what the other one wrote\n"},
	} {
		reason = test.reason
		var stdout, stderr bytes.Buffer
		code := Run([]string{test.command, "--admin", strings.TrimPrefix(gateway.URL, "http://"), "/x"}, &stdout, &stderr, noEngine(t))
		if code != exitFailure || stderr.String() != test.want || stdout.String() != "release b is failed\n" {
			t.Errorf("%s: exit code %d, stderr %q, stdout %q, want %q", test.command, code, stderr.String(), stdout.String(), test.want)
		}
	}
}

func TestReadyTellsByItsExitCode(t *testing.T) {
	reason := "no worker is ready"
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		if reason != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(admin.Health{OK: reason == "", Reason: reason})
	}))
	defer gateway.Close()
	args := []string{"status", "--ready", "--admin", strings.TrimPrefix(gateway.URL, "http://")}
	var stdout, stderr bytes.Buffer
	if code := Run(args, &stdout, &stderr, noEngine(t)); code != exitFailure || !strings.Contains(stderr.String(), reason) {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
	reason = ""
	if text := print(t, args...); text != "" {
		t.Errorf("it printed %q", text)
	}
}

// TestManual: mandoc finds nothing wrong, and every command and flag is in what it shows.
func TestManual(t *testing.T) {
	page := print(t, "man")
	lint := exec.Command("mandoc", "-T", "lint", "-W", "warning")
	lint.Stdin = strings.NewReader(page)
	output, _ := lint.CombinedOutput() // its status tells of the date, too, which the page has none of
	for line := range strings.Lines(string(output)) {
		if !strings.Contains(line, "missing date") {
			t.Errorf("mandoc: %s", line)
		}
	}
	show := exec.Command("mandoc", "-T", "ascii", "-O", "width=400")
	show.Stdin = strings.NewReader(page)
	output, err := show.Output()
	if err != nil {
		t.Fatal(err)
	}
	// Bold is a letter, a backspace and the letter again.
	var text []rune
	for _, r := range string(output) {
		if r == '\b' {
			text = text[:len(text)-1]
			continue
		}
		text = append(text, r)
	}
	shown := string(text)
	for _, c := range commands() {
		want := []string{"gateway " + c.name, c.summary}
		c.eachFlag(func(flag *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(flag)
			want = append(want, "--"+flag.Name, usage)
		})
		for _, w := range want {
			if !strings.Contains(shown, w) {
				t.Errorf("the manual does not show %q", w)
			}
		}
	}
	for _, section := range [][]told{signals, exitCodes, environment} {
		for _, i := range section {
			if !strings.Contains(shown, i.meaning) {
				t.Errorf("the manual does not show %q", i.meaning)
			}
		}
	}
}
