package sockets

import (
	"bytes"
	"embed"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

//go:embed testdata/page
var page embed.FS

// TestBrowser: pages that a gateway serves open WebSockets to it in Chromium, and post what came of it.
func TestBrowser(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: `tools/setup.sh test` does that")
	}
	directory := t.TempDir()
	if err := os.CopyFS(directory, page); err != nil {
		t.Fatal(err)
	}
	outcomes := make(chan string, 16)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost {
			t.Errorf("%s: %v", r.Method, err)
		}
		outcomes <- string(text)
	}))
	defer collector.Close()

	static := []string{"--static", "/page=" + filepath.Join(directory, "testdata/page")}
	handler := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--mode", "handler"}, Flags: static})
	env := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--mode", "env"}, Flags: static})
	others := start(t, static...)
	pages := []struct {
		on             *system.Gateway
		path, farewell string
	}{
		{handler, "/ws", ""},
		{env, "/ws", ""},
		{others, "/coder", "/farewell"},
		{others, "/gorilla", ""},
	}
	next := ""
	for i := len(pages) - 1; i >= 0; i-- { // each page goes on to the next one
		p := pages[i]
		query := url.Values{"path": {p.path}, "farewell": {p.farewell}, "report": {collector.URL}, "next": {next}}
		next = p.on.URL("/page/?" + query.Encode())
	}
	begun := time.Now()
	end := browse(t, chromium, next)
	for _, p := range pages {
		var outcome string
		select {
		case outcome = <-outcomes:
		case <-time.After(3 * system.Patience):
			t.Fatalf("no outcome of %s on %s\n%s", p.path, p.on.Addr, end())
		}
		t.Logf("%s after %v", p.path, time.Since(begun).Round(time.Millisecond))
		if outcome != p.path+"\ndone" {
			t.Errorf("on %s: %s", p.on.Addr, outcome)
		}
	}
	end()
	for _, g := range []*system.Gateway{handler, env, others} {
		stop(t, g)
	}
}

// browse opens a page in a browser that has seen nothing before; end ends the browser and returns what it said.
func browse(t *testing.T, chromium, address string) (end func() string) {
	t.Helper()
	arguments := []string{
		"--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--disable-breakpad", "--remote-debugging-port=0", "--user-data-dir=" + t.TempDir(),
	}
	if os.Geteuid() == 0 {
		arguments = append(arguments, "--no-sandbox")
	}
	command := exec.Command(chromium, append(arguments, address)...)
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	runtime.LockOSThread() // the kernel ties the end of the browser to the thread that started it: it ends with the test at the latest
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	command.WaitDelay = system.Patience
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() string {
		if !ended {
			ended = true
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
			_ = command.Wait() // it was killed
		}
		return strings.TrimSpace(said.String())
	}
	t.Cleanup(func() { end() })
	return end
}
