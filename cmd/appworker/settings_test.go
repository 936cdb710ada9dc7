package main

import (
	"errors"
	"strings"
	"testing"

	"ringway/bridge"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]settings{
		"":                             {},
		"--mode handler":               {},
		"--mode=env --release r2":      {env: true, release: "r2"},
		"-dispatch auto":               {},
		"--dispatch inline":            {dispatch: bridge.Inline},
		"--dispatch pool --pool 7":     {dispatch: bridge.Pool(7)},
		"--dispatch pool":              {dispatch: bridge.Pool(0)},
		"--pool 3 --dispatch=auto":     {},
		"--release a --release second": {release: "second"},
	} {
		got, err := parse(strings.Fields(line))
		if got != want || err != nil {
			t.Errorf("%q: %+v, %v, want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{"-h", "--help", "--mode env --help"} {
		if _, err := parse(strings.Fields(line)); !errors.Is(err, errHelp) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestParseRefuses: one line that names the value.
func TestParseRefuses(t *testing.T) {
	for line, name := range map[string]string{
		"--unknown":            "-unknown",
		"--mode":               "-mode",
		"--mode http":          `"http"`,
		"--mode Env":           `"Env"`,
		"--dispatch threads":   `"threads"`,
		"--pool -1":            "-1",
		"--pool many":          `"many"`,
		"extra":                `"extra"`,
		"--mode env extra":     `"extra"`,
		"--release r -- extra": `"extra"`,
	} {
		_, err := parse(strings.Fields(line))
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %s", line, err, name)
		}
	}
}
