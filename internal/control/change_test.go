package control

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestLimitsChangeForThoseWhoComeLater(t *testing.T) {
	size := segmentsSize(small)
	server, _ := serve(t, func(c *Config) { c.MaxWorkers, c.MemoryLimit = 1, 8*size })
	attached(t, server)
	refused := func(want string) {
		t.Helper()
		p := dial(t, server)
		p.send(greeting())
		if reason := p.expectRefusal(); !strings.Contains(reason, want) {
			t.Errorf("reason %q, want %q", reason, want)
		}
	}
	refused("expected at most 1")
	if err := server.Change(nil, 3, 8*size); err != nil {
		t.Fatal(err)
	}
	attached(t, server)
	if err := server.Change(nil, 3, size); err != nil {
		t.Fatal(err)
	}
	refused("--memory-limit")
	if err := server.Change(nil, 3, size-1); err == nil || !strings.Contains(err.Error(), "at least room for one") {
		t.Errorf("a limit below one worker: %v", err)
	}
	if err := server.Change(nil, 1, 8*size); err != nil {
		t.Fatal(err)
	}
	refused("2 workers are attached, expected at most 1")
}

func TestUsersChange(t *testing.T) {
	server, _ := serve(t, nil)
	look := func() (os.FileMode, uint32) {
		t.Helper()
		info, err := os.Lstat(server.config.Path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm(), info.Sys().(*syscall.Stat_t).Uid
	}
	change := func(users ...uint32) {
		t.Helper()
		if err := server.Change(users, 4, 1<<30); err != nil {
			t.Fatal(err)
		}
	}
	own := uint32(os.Geteuid())
	beforeMode, beforeOwner := look()
	if server.allowed(4711) || !server.allowed(own) {
		t.Fatal("before: wrong users")
	}
	change(4711)
	mode, owner := look()
	if !server.allowed(4711) || server.allowed(4712) || mode == 0o600 && owner != 4711 {
		t.Errorf("user 4711 is not let in: mode %v, owner %d", mode, owner)
	}
	change(4711, 4712)
	if mode, _ := look(); !server.allowed(4712) || mode != 0o666 {
		t.Errorf("two users: mode %v, want 0666", mode)
	}
	change()
	if mode, owner := look(); server.allowed(4711) || mode != beforeMode || owner != beforeOwner {
		t.Errorf("nobody: mode %v, owner %d, want %v and %d as before", mode, owner, beforeMode, beforeOwner)
	}
	attached(t, server)
}
