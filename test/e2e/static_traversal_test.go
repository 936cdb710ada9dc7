package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStaticTraversal(t *testing.T) {
	t.Parallel()
	outside := site(t, map[string]string{"secret": "SECRET", "in/secret": "SECRET"})
	directory := filepath.Join(outside, "root")
	for _, name := range []string{"root/sub", "root-evil"} {
		if err := os.MkdirAll(filepath.Join(outside, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{"root/ok": "ok", "root/sub/ok": "sub", "root/.env": "SECRET", "root-evil/secret": "SECRET"} {
		if err := os.WriteFile(filepath.Join(outside, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{
		"absolute": filepath.Join(outside, "secret"), "relative": "../secret", "up": "..", "dir": filepath.Join(outside, "in"),
		"through": "sub/../../secret", "own": filepath.Join(directory, "ok"), "loop": "loop", "proc": "/proc/self/root",
		"magic": "/proc/self/cwd/etc/passwd", "inside": "sub/ok", "insidedir": "sub", "round": "sub/../ok", "dangling": "none", "evil": "../root-evil",
	} {
		if err := os.Symlink(to, filepath.Join(directory, name)); err != nil {
			t.Fatal(err)
		}
	}
	g := serveFiles(t, "--static", "/s="+directory)
	for _, target := range []string{
		"/s/../secret", "/s/..", "/s/../", "/s/./ok", "/s/sub/../ok", "/s/sub/../../secret", "/s/%2e%2e/secret", "/s/%2E%2E/secret",
		"/s/.%2e/secret", "/s/%2e./secret", "/s/..%2fsecret", "/s/..%2Fsecret", "/s/%2e%2e%2fsecret", "/s/%252e%252e/secret",
		"/s/%252e%252e%252fsecret", "/s/..%5csecret", `/s/..\secret`, "/s/%5c..%5csecret", "/s/..;/secret", "/s/...//secret", "/s/....//secret",
		"/s//secret", "/s//etc/passwd", "/s/%2fetc/passwd", "/s/%2Fetc%2fpasswd", "/s/sub/%2e%2e/%2e%2e/secret",
		"/s/%c0%ae%c0%ae/secret", "/s/%e0%80%ae%e0%80%ae/secret", "/s/..%c0%afsecret", "/s/%uff0e%uff0e/secret", "/s/..%00/secret", "/s/ok%00.html",
		"/s/../root-evil/secret", "/s/.env", "/s/%2eenv", "/s/sub/../.env", "/s/%2e/ok", "/s/.%2f.env",
		"/s/absolute", "/s/relative", "/s/up/secret", "/s/up/", "/s/dir/secret", "/s/dir", "/s/through", "/s/own", "/s/loop", "/s/proc/etc/passwd",
		"/s/proc/", "/s/magic", "/s/dangling", "/s/evil/secret",
	} {
		answer, body := ask(t, g, "GET", target)
		if (answer.StatusCode != 404 && answer.StatusCode != 400) || strings.Contains(body, "SECRET") || strings.Contains(body, "root:") {
			t.Errorf("%s: %s %q", target, answer.Status, body)
		}
	}
	for target, want := range map[string]string{"/s/ok": "ok", "/s/inside": "sub", "/s/insidedir/ok": "sub", "/s/round": "ok"} {
		if answer, body := ask(t, g, "GET", target); answer.StatusCode != 200 || body != want {
			t.Errorf("%s: %s %q", target, answer.Status, body)
		}
	}
	// The root is the directory that was there at the start, whatever has its name now.
	if err := os.Rename(directory, directory+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "in"), directory); err != nil {
		t.Fatal(err)
	}
	if answer, _ := ask(t, g, "GET", "/s/secret"); answer.StatusCode != 404 {
		t.Errorf("%s", answer.Status)
	}
	if _, body := ask(t, g, "GET", "/s/ok"); body != "ok" {
		t.Errorf("%q", body)
	}
	g.Stop()
}

// TestStaticSpecialFiles: what is no regular file is not there, and asking for it does not wait.
func TestStaticSpecialFiles(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{"a.txt": "hello"})
	if err := unix.Mkfifo(filepath.Join(directory, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(directory, "a.txt.gz"), 0o644); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(directory, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	g := serveFiles(t, "--static", "/s="+directory, "--static", "/dev=/dev")
	for range 8 { // more than the thread pool has threads
		for _, target := range []string{"/s/fifo", "/s/socket", "/dev/null", "/dev/zero", "/dev/tty"} {
			if answer, body := ask(t, g, "GET", target); answer.StatusCode != 404 {
				t.Errorf("%s: %s %q", target, answer.Status, body)
			}
		}
	}
	if answer, body := ask(t, g, "GET", "/s/a.txt", "Accept-Encoding: gzip"); body != "hello" || answer.Header.Get("Vary") != "" {
		t.Errorf("%v %q", answer.Header, body)
	}
	g.Stop()
}
