package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ringway/test/e2e/system"
)

// fetch gets / of a listener, be it TCP or a unix socket, over a connection of its own.
func fetch(t *testing.T, url string) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	if path, found := strings.CutPrefix(url, "unix:"); found {
		url = "http://unix"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
	}
	answer, err := (&http.Client{Transport: transport, Timeout: system.Patience}).Get(url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, answer.Status, err)
	}
	return string(body)
}

func TestEveryKindOfListener(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "http")
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{
		"--listen", "[::1]:0", "--listen", "unix:" + path, "--unix-mode", "0606", "--loops", "2",
	}})
	if len(g.URLs) != 3 {
		t.Fatalf("listeners %q, expected three", g.URLs)
	}
	for _, url := range g.URLs {
		for range 10 { // both loops
			if body := fetch(t, url); body != "Hello, World!" {
				t.Errorf("%s answered %q", url, body)
			}
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o606 {
		t.Errorf("unix socket: %v, %v, expected mode 0606", info, err)
	}
	g.WaitIdle()
	g.Stop()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the unix socket is left behind: %v", err)
	}
}

// TestPassedSockets: a service manager holds the sockets, so that connections wait for the gateway instead of being refused.
func TestPassedSockets(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	path := filepath.Join(t.TempDir(), "http")
	local, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	passed := []*os.File{named(t, tcp.(*net.TCPListener), "web"), named(t, local.(*net.UnixListener), "local")}

	waiting, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	g := system.StartGateway(t, system.Options{
		Supervised: true, Listen: "systemd:web", Passed: passed, Flags: []string{"--listen", "systemd:local", "--loops", "2"},
	})
	if want := []string{"http://" + tcp.Addr().String(), "unix:" + path}; !slices.Equal(g.URLs, want) {
		t.Errorf("listeners %q, expected %q", g.URLs, want)
	}
	for _, url := range g.URLs {
		for range 10 {
			if body := fetch(t, url); body != "Hello, World!" {
				t.Errorf("%s answered %q", url, body)
			}
		}
	}
	_, _ = io.WriteString(waiting, "GET / HTTP/1.0\r\n\r\n")
	if answer, err := io.ReadAll(waiting); err != nil || !strings.HasSuffix(string(answer), "Hello, World!") {
		t.Errorf("the connection that waited got %q, %v", answer, err)
	}
	g.Stop()
	// The sockets are the service manager's: they are still there for the next gateway.
	again := system.StartGateway(t, system.Options{Supervised: true, Listen: "systemd", Passed: passed})
	if len(again.URLs) != 2 {
		t.Errorf("listeners %q, expected both", again.URLs)
	}
	for _, url := range again.URLs {
		fetch(t, url)
	}
	again.Stop()
}

func named(t *testing.T, listener interface{ File() (*os.File, error) }, name string) *os.File {
	t.Helper()
	file, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	copied := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { _ = copied.Close() })
	return copied
}
