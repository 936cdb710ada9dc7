package admin

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The path of a unix socket that two gateways have is removed by the one whose it is, and by no other.
func TestThePathOfAPassedSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin")
	options, log := Options{Address: "unix:" + path}, slog.New(slog.DiscardHandler)
	pass := func(from *Server) *Server {
		t.Helper()
		passed, err := from.Pass(func(fd int) int {
			dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
			if err != nil {
				t.Fatal(err)
			}
			return dup
		})
		if err != nil {
			t.Fatal(err)
		}
		next, err := TakeOver(options, passed, fakeHost{}, log)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	expect := func(when string, there bool) {
		t.Helper()
		conn, err := net.Dial("unix", path)
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != there {
			t.Errorf("%s: %v, expected somebody to listen: %v", when, err, there)
		}
	}
	first, err := Open(options, fakeHost{}, log)
	if err != nil {
		t.Fatal(err)
	}
	pass(first).Close()
	expect("after the end of one that was to follow", true)
	second := pass(first)
	second.Own()
	first.Disown()
	first.Close()
	expect("after the end of the first", true)
	second.Close()
	expect("after the end of both", false)
	if _, err := os.Lstat(path); err == nil {
		t.Error("the path is left behind")
	}
}

// A path that is no socket refuses connections like one that was left behind.
func TestWhatIsNoSocketIsNotRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if server, err := Open(Options{Address: "unix:" + path}, fakeHost{}, slog.New(slog.DiscardHandler)); err == nil {
		server.Close()
		t.Error("a file was listened on")
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "precious" {
		t.Errorf("%q, %v", content, err)
	}
}
