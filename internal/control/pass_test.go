package control

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/listen"
)

// pass is what another process would get.
func pass(t *testing.T, server *Server) listen.Passed {
	t.Helper()
	p, err := server.Pass(func(fd int) int {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		return dup
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// expectSilence checks that the peer is not talked to: it waits in the queue.
func (p *peer) expectSilence() {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if length, err := p.conn.Read(make([]byte, maxPacket)); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("received %d bytes, %v", length, err)
	}
}

func (p *peer) expectAttach() {
	p.t.Helper()
	if message, _, err := p.receive(); err != nil || message["type"] != typeAttach {
		p.t.Fatalf("received %v %v, want attach", message, err)
	}
}

func TestPause(t *testing.T) {
	server, _ := serve(t, nil)
	for range 3 {
		server.Pause()
		server.Pause()
		p := dial(t, server)
		p.send(greeting())
		p.expectSilence()
		server.Resume()
		server.Resume()
		p.expectAttach()
	}
	server.Pause() // Close comes all the same
}

// Who waits while one server hands over is accepted by the next; conversations stay where they are, the path stays.
func TestAnotherServerTakesOver(t *testing.T) {
	first, host := serve(t, nil)
	before, _ := attached(t, first)
	first.Pause()
	waiting := dial(t, first)
	waiting.send(greeting())
	passed := pass(t, first)
	second, _ := serve(t, func(c *Config) { c.Path, c.Passed, c.Users = first.config.Path, &passed, []uint32{4711, 4712} })
	waiting.expectAttach()
	first.Leave()
	if err := second.Own(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(first.config.Path); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("%v %v, expected the mode that the second server is configured with", info.Mode(), err)
	}
	before.send(bare{Type: typeReady})
	before.send(bare{Type: typeLeaving})
	if err := host.worker(0).Reattach(); err != nil {
		t.Fatal(err)
	}
	if message, _, err := before.receive(); err != nil || message["type"] != typeReattach {
		t.Errorf("received %v %v, want reattach", message, err)
	}
	first.Close()
	attached(t, second)
	second.Close()
	if _, err := os.Lstat(first.config.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the last server has left its path: %v", err)
	}
}

// A server that has not taken over leaves the path to the one that has it.
func TestAServerThatDoesNotTakeOver(t *testing.T) {
	first, _ := serve(t, nil)
	first.Pause()
	passed := pass(t, first)
	second, _ := serve(t, func(c *Config) { c.Path, c.Passed = first.config.Path, &passed })
	second.Close()
	first.Resume()
	attached(t, first)
}

func TestOnlyTheSocketThatWorkersKnowIsTakenOver(t *testing.T) {
	first, _ := serve(t, nil)
	config := first.config
	passed := pass(t, first)
	config.Passed, config.Path = &passed, filepath.Join(t.TempDir(), "other")
	if _, err := Open(config); err == nil || !strings.Contains(err.Error(), "expected the one that workers know") {
		t.Errorf("another path: %v", err)
	}
	listener, err := listen.Open("127.0.0.1:0", listen.Options{Loops: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	config.Path, passed.Sockets = first.config.Path, listener.Pass(func(fd int) int { return fd }).Sockets
	if _, err := Open(config); err == nil || !strings.Contains(err.Error(), "of type 1, expected 5") {
		t.Errorf("a socket of another type: %v", err)
	}
}

func TestAWorkerAttachesToAGatewayOnce(t *testing.T) {
	server, host := serve(t, nil)
	p := dial(t, server)
	g := greeting()
	g.Reattach, g.Beside = true, []int{os.Getpid() + 1, os.Getpid()}
	p.send(g)
	if reason := p.expectRefusal(); !strings.Contains(reason, "attached already") {
		t.Errorf("reason %q", reason)
	}
	p = dial(t, server)
	g.Beside = []int{os.Getpid() + 1}
	p.send(g)
	p.expectAttach()
	if !host.worker(0).Reattaches {
		t.Error("that the worker can be attached twice is not known")
	}
}
