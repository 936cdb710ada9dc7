//go:build console

package console

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

func TestMain(m *testing.M) { os.Exit(system.Main(m)) }

const (
	testToken = "0123456789abcdef0123456789abcdef"
	// patience is what the whole script may take on a busy machine; it needs a tenth of that.
	patience = 5 * time.Minute
)

// modules installs what package-lock.json names below build/, and returns the directory.
func modules(t *testing.T) string {
	t.Helper()
	directory, err := filepath.Abs("../../build/console")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	done := filepath.Join(directory, "node_modules", "installed.json")
	if installed, err := os.ReadFile(done); err == nil && bytes.Equal(installed, lock) {
		return directory
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	command.Dir = directory
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, output)
	}
	if err := os.WriteFile(done, lock, 0o644); err != nil {
		t.Fatal(err)
	}
	return directory
}

// load sends requests of some kinds, paced, until the test ends.
func load(t *testing.T, g *system.Gateway) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	transport := &http.Transport{}
	var crowd sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		crowd.Wait()
		transport.CloseIdleConnections()
	})
	for i, path := range []string{"/json", "/bytes?n=16384", "/sleep?ms=20", "/status?code=404", "/status?code=301", "/status?code=503"} {
		crowd.Go(func() {
			pace := time.NewTicker(time.Duration(8+i*i*6) * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-pace.C:
				}
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL(path), nil)
				if err != nil {
					t.Error(err)
					return
				}
				answer, err := transport.RoundTrip(request)
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("%s: %v", path, err)
					}
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
		})
	}
}

// report is a line that the script writes for each thing that it has looked at.
type report struct {
	Name  string  `json:"name"`
	Error string  `json:"error"`
	Took  float64 `json:"seconds"`
}

// TestTheConsoleInABrowser runs the script against a gateway that anybody here may ask, and one that wants a token.
func TestTheConsoleInABrowser(t *testing.T) {
	directory := modules(t)
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: `tools/setup.sh console` does that")
	}
	flags := []string{"--loops", "2", "--confirm", "1s", "--ready-limit", "10s"}
	open := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--release", "r1"}, Flags: append(flags, "--workers", "2")})
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(testToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	closed := system.StartGateway(t, system.Options{Flags: []string{"--admin-token-file", token}})
	load(t, open)

	input, err := json.Marshal(map[string]any{
		"modules": directory + "/", "pictures": directory, "chromium": chromium, "root": os.Geteuid() == 0, "admin": open.Admin, "base": open.URL(""),
		"worker": system.Programs.Worker, "closed": closed.Admin, "token": testToken,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "node", "testdata/console.mjs")
	command.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	// The browser ends with the script, whose pipe it reads.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
		var r report
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			t.Errorf("the script wrote %q", scanner.Text())
			continue
		}
		looked++
		t.Run(strings.ReplaceAll(r.Name, " ", "_"), func(t *testing.T) {
			t.Logf("%.1f s", r.Took)
			if r.Error != "" {
				t.Error(r.Error)
			}
		})
	}
	if err := command.Wait(); err != nil || looked == 0 {
		t.Errorf("the script: %v, %d reports\n%s", err, looked, complaints.String())
	}
	if !t.Failed() {
		closed.Stop()
	}
}
