package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

func TestAccessLogOnStandardOutput(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--access-log", "-"}})
	r := dial(t, g)
	r.send("GET /json HTTP/1.1\r\nHost: x\r\n\r\n")
	r.answer("GET")
	if line, ok := g.Line(system.Patience); !ok || !json.Valid([]byte(line)) || !strings.Contains(line, `"target":"/json"`) {
		t.Errorf("line %q", line)
	}
	g.Stop()
}

// TestAccessLogOnClosedOutput: when whoever read standard output has gone, the gateway goes on.
func TestAccessLogOnClosedOutput(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var stderr strings.Builder
	command := exec.Command(system.Programs.Gateway, "serve", "--listen", "127.0.0.1:0", "--admin", "off",
		"--socket", filepath.Join(t.TempDir(), "s"), "--native-path", "/ping=pong", "--access-log", "-")
	command.Stdout, command.Stderr = writer, &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	stuck := time.AfterFunc(2*system.Patience, func() { _ = command.Process.Kill() })
	defer stuck.Stop()
	lines := bufio.NewScanner(reader)
	var g system.Gateway
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "control socket on") {
		if addr, found := strings.CutPrefix(lines.Text(), "listening on http://"); found {
			g.Addr = addr
		}
	}
	ping := func() {
		r := dial(t, &g)
		defer r.conn.Close()
		r.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, body := r.answer("GET"); body != "pong" {
			t.Errorf("%q", body)
		}
	}
	ping()
	if !lines.Scan() || !strings.Contains(lines.Text(), `"target":"/ping"`) {
		t.Errorf("line %q", lines.Text())
	}
	_ = reader.Close()
	for range 20 {
		ping()
	}
	_ = command.Process.Signal(syscall.SIGTERM)
	if err := command.Wait(); err != nil {
		t.Errorf("the gateway ended with %v", err)
	}
	if !strings.Contains(stderr.String(), "broken pipe") {
		t.Errorf("it wrote %s", stderr.String())
	}
}

// TestAccessLogNamesWhoAsked: the client that a trusted proxy names, and the request's id; the word of others counts for nothing.
func TestAccessLogNamesWhoAsked(t *testing.T) {
	t.Parallel()
	const claims = "X-Forwarded-For: 192.0.2.9\r\nX-Request-Id: given-by-proxy\r\n"
	for name, c := range map[string]struct {
		flags      []string
		client, id string // regular expressions
	}{
		"trusted":   {[]string{"--trusted", "127.0.0.1"}, `192\.0\.2\.9`, "given-by-proxy"},
		"untrusted": {nil, `127\.0\.0\.1`, "[0-9a-f]{32}"},
		"no ids":    {[]string{"--request-id=false"}, `127\.0\.0\.1`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log")
			g := system.StartGateway(t, system.Options{Flags: append(c.flags, "--access-log", path, "--native-path", "/ping=pong")})
			r := dial(t, g)
			r.send("GET /ping HTTP/1.1\r\nHost: x\r\n" + claims + "\r\n")
			r.answer("GET")
			g.Stop()
			line, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Client string
				ID     string `json:"request_id"`
			}
			if err := json.Unmarshal(line, &got); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if !regexp.MustCompile("^"+c.client+"$").MatchString(got.Client) || !regexp.MustCompile("^"+c.id+"$").MatchString(got.ID) {
				t.Errorf("client %q, request id %q", got.Client, got.ID)
			}
		})
	}
}
