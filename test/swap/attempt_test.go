package swap

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"ringway/test/e2e/system"
)

// lines are those of a journal, and how often each is there.
func lines(t *testing.T, journal string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	for line := range bytes.Lines(text) {
		counts[string(bytes.TrimSuffix(line, []byte("\n")))]++
	}
	return counts
}

// TestAttempt: a handler sees that its request was in another's hands, of a worker that died; clients cannot say so.
func TestAttempt(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]struct{ first, second string }{"handler": {`null`, `["1"]`}, "env": {`0`, `1`}} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			journal := filepath.Join(t.TempDir(), "journal")
			g := system.StartGateway(t, system.Options{
				Supervised: true, Program: worker, Worker: []string{"--mode", mode, "--journal", journal}, Flags: []string{"--queue-deadline", "20s"},
			})
			type told struct {
				Pid     int
				Attempt json.RawMessage
			}
			ask := func(path string) (got told) {
				request, err := http.NewRequest("GET", g.URL(path), nil)
				if err != nil {
					t.Error(err)
					return
				}
				request.Header.Set("X-Ringway-Attempt", "1")
				answer, err := (&http.Client{Timeout: system.Patience, Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				defer answer.Body.Close()
				text, err := io.ReadAll(answer.Body)
				if err == nil {
					err = json.Unmarshal(text, &got)
				}
				if err != nil || answer.StatusCode != http.StatusOK {
					t.Errorf("%s: %s %q, %v", path, answer.Status, text, err)
				}
				return got
			}
			first := ask("/again?id=plain")
			if string(first.Attempt) != want.first {
				t.Errorf("the first time: %s, expected %s", first.Attempt, want.first)
			}
			answered := make(chan told)
			go func() { answered <- ask("/again?id=begun&wait") }()
			system.Eventually(t, "its handler has begun", func() bool { return lines(t, journal)["begun"] == 1 })
			kill(t, first.Pid)
			second := <-answered
			if string(second.Attempt) != want.second || second.Pid == first.Pid {
				t.Errorf("the second time: %s from %d after %d, expected %s from another", second.Attempt, second.Pid, first.Pid, want.second)
			}
			if n := lines(t, journal)["begun"]; n != 2 {
				t.Errorf("begun %d times, expected twice", n)
			}
			g.WaitIdle()
			g.Stop()
		})
	}
}
