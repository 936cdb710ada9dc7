package swap

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ringway/test/e2e/system"
)

func script(text string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "app")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

func theBroken(*testing.T) string { return broken }

// TestBrokenReleases: whatever is wrong with the new release, no GET fails, be it taken by the new one's worker or not,
// the old one is active in the end, and both the command and status tell why. GETs that met two deaths would be answered with
// 502: none does, because what the new one drops goes to the old one.
func TestBrokenReleases(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		program func(t *testing.T) string
		args    []string
		flags   []string
		want    string
	}{
		"exits at once":                   {script("exit 7"), nil, nil, "exit status 7"},
		"hangs before it is ready":        {script("exec sleep 60"), nil, []string{"--ready-limit", "500ms"}, "0 of . workers were ready"},
		"cannot be executed":              {func(t *testing.T) string { return filepath.Join(t.TempDir(), "missing") }, nil, nil, "cannot start"},
		"panics on every request, probed": {theBroken, nil, []string{"--probe", "/headers"}, "answered the probe /headers with status 50"},
		"dies on every request, probed":   {theBroken, []string{"--how", "die"}, []string{"--probe", "/headers"}, "answered the probe /headers with status 502|exit status 3"},
		"dies on every request":           {theBroken, []string{"--how", "die"}, nil, "exit status 3"},
		"dies on every real request":      {theBroken, []string{"--how", "die", "--probe"}, []string{"--probe", "/headers"}, "exit status 3"},
		"lasts a while":                   {theBroken, []string{"--how", "last"}, nil, "exit status 4"},
		"lasts a while, probed":           {theBroken, []string{"--how", "last", "--probe"}, []string{"--probe", "/headers"}, "exit status 4"},
	} {
		for _, workers := range []string{"1", "2"} {
			t.Run(name+", workers "+workers, func(t *testing.T) {
				t.Parallel()
				g := system.StartGateway(t, system.Options{
					Supervised: true, Worker: []string{"--release", "old"},
					Flags: append([]string{"--confirm", "10s", "--workers", workers, "--queue-deadline", "20s"}, test.flags...),
				})
				crowd := gather(t, g, 16, who, hello, few)
				crowd.waitForEach()
				output, err := command(t, g, "swap", append([]string{test.program(t), "--"}, test.args...)...)
				want := regexp.MustCompile(test.want)
				if err == nil || !want.MatchString(output) {
					t.Errorf("%v, %q, expected a failure that says %q", err, output, test.want)
				}
				crowd.waitForEach()
				crowd.disperse()
				for _, s := range crowd.seen {
					if s.release != "old" {
						t.Fatalf("release %s answered", s.release)
					}
				}
				status, err := command(t, g, "status")
				if err != nil || name != "cannot be executed" && !want.MatchString(status) {
					t.Errorf("status %v\n%s, expected the reason %q", err, status, test.want)
				}
				settled(t, g)
				g.WaitIdle()
				g.Stop()
			})
		}
	}
}

// TestAnswersAreNotJudged: a release whose workers live is confirmed whatever it answers, if nobody probes it. An operator takes
// it back.
func TestAnswersAreNotJudged(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--release", "old"}, Flags: []string{"--confirm", "50ms"}})
	status := func() int {
		conn, err := net.Dial("tcp", g.Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		got, _, err := (&client{conn: conn, in: bufio.NewReader(conn)}).exchange("GET", "/", nil)
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if output, err := command(t, g, "swap", broken, "--"); err != nil || !strings.Contains(output, "release broken is active") {
		t.Errorf("%v\n%s", err, output)
	}
	if got := status(); got != 500 {
		t.Errorf("status %d of a release that panics, expected 500", got)
	}
	if output, err := command(t, g, "rollback"); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	if got := status(); got != 200 {
		t.Errorf("status %d after the rollback, expected 200", got)
	}
	g.Stop()
}
