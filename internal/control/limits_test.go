package control

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/internal/listen"
)

func TestMemoryOfAllSegmentsIsLimited(t *testing.T) {
	size := segmentsSize(small)
	server, h := serve(t, func(c *Config) { c.MemoryLimit = 2*size + size/2 })
	first, _ := attached(t, server)
	attached(t, server)
	p := dial(t, server)
	p.send(greeting())
	if reason := p.expectRefusal(); !strings.Contains(reason, "--memory-limit") {
		t.Errorf("reason %q", reason)
	}
	// A worker that is gone holds its memory until the host frees it.
	_ = first.conn.Close()
	worker, _ := h.waitGone(t)
	p = dial(t, server)
	p.send(greeting())
	p.expectRefusal()
	if err := worker.Free(); err != nil {
		t.Fatal(err)
	}
	attached(t, server)
}

func TestNumberOfWorkersIsLimited(t *testing.T) {
	server, _ := serve(t, func(c *Config) { c.MaxWorkers = 1 })
	attached(t, server)
	p := dial(t, server)
	p.send(greeting())
	if reason := p.expectRefusal(); !strings.Contains(reason, "expected at most 1") {
		t.Errorf("reason %q", reason)
	}
}

func TestNumberOfSilentPeersIsLimited(t *testing.T) {
	server, _ := serve(t, nil)
	for range server.config.MaxWorkers + pendingPeers {
		dial(t, server)
	}
	if _, _, err := dial(t, server).receive(); !errors.Is(err, io.EOF) {
		t.Errorf("one peer too many: %v, want the end", err)
	}
}

func TestAHostThatRefusesIsQuoted(t *testing.T) {
	server, h := serve(t, nil)
	h.refuse = errors.New("the gateway is stopping")
	p := dial(t, server)
	p.send(greeting())
	if reason := p.expectRefusal(); reason != "the gateway is stopping" {
		t.Errorf("reason %q", reason)
	}
	server.memory.mu.Lock()
	used := server.memory.used
	server.memory.mu.Unlock()
	server.mu.Lock()
	seats := server.attached
	server.mu.Unlock()
	if used != 0 || seats != 0 {
		t.Errorf("%d bytes and %d seats are still taken", used, seats)
	}
}

func TestDisconnectAndCloseReachTheHost(t *testing.T) {
	server, h := serve(t, nil)
	attached(t, server)
	h.worker(0).Disconnect()
	if _, reason := h.waitGone(t); !errors.Is(reason, net.ErrClosed) {
		t.Errorf("reason %v, want net.ErrClosed", reason)
	}
	attached(t, server)
	server.Close()
	h.waitGone(t)
	if _, err := os.Lstat(server.config.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestSocketIsPrivateAndExclusive(t *testing.T) {
	server, _ := serve(t, nil)
	info, err := os.Stat(server.config.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v %v, want 0600", info.Mode(), err)
	}
	if second, err := Open(server.config); !errors.Is(err, listen.ErrServed) || !strings.Contains(err.Error(), server.config.Path) {
		t.Errorf("second server: %v %v, want ErrServed", second, err)
	}
	attached(t, server)
}

func TestSocketOfAForeignUserBelongsToThatUser(t *testing.T) {
	want := os.FileMode(0o600)
	if os.Geteuid() != 0 {
		want = 0o666 // only root can give files away
	}
	server, _ := serve(t, func(c *Config) { c.Users = []uint32{4711} })
	if info, err := os.Stat(server.config.Path); err != nil || info.Mode().Perm() != want {
		t.Errorf("mode %v %v, want %v", info.Mode(), err, want)
	}
	several, _ := serve(t, func(c *Config) { c.Users = []uint32{4711, 4712} })
	if info, err := os.Stat(several.config.Path); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("mode %v %v, want 0666", info.Mode(), err)
	}
	if !allowUsers([]uint32{4711})(4711) || allowUsers([]uint32{4711})(4712) {
		t.Error("the list of users is not what decides")
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	server, _ := serve(t, nil)
	config := server.config
	config.Path = filepath.Join(t.TempDir(), "s")
	config.MemoryLimit = 1
	if _, err := Open(config); err == nil || !strings.Contains(err.Error(), "memory limit") {
		t.Errorf("memory limit: %v", err)
	}
	config.MemoryLimit = 64 << 20
	config.Geometry.RingSlots = 3
	if _, err := Open(config); err == nil {
		t.Error("an impossible geometry was accepted")
	}
}

func TestMemoryTotalIsTheSmallestLimit(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("proc/meminfo", "MemTotal:       1024 kB\nMemFree: 1 kB\n")
	write("proc/self/cgroup", "1:cpu:/x\n0::/a/b\n")
	write("sys/fs/cgroup/a/b/memory.max", "max\n")
	if total, err := memoryTotal(root); total != 1<<20 || err != nil {
		t.Errorf("total %d %v, want the host's", total, err)
	}
	write("sys/fs/cgroup/a/memory.max", "4096\n")
	if total, err := memoryTotal(root); total != 4096 || err != nil {
		t.Errorf("total %d %v, want the parent cgroup's", total, err)
	}
}
