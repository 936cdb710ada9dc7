package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// hand gives a duplicate, as another process has it.
func hand(t *testing.T) func(fd int) int {
	t.Helper()
	return func(fd int) int {
		dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		return dup
	}
}

func takeOver(t *testing.T, listeners ...*Listener) *Handed {
	t.Helper()
	var passed []Passed
	for _, l := range listeners {
		passed = append(passed, l.Pass(hand(t)))
	}
	h, err := TakeOver(passed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func inode(t *testing.T, fd int) uint64 {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}

func TestSharedSocketsAreAllInTheLoopsSets(t *testing.T) {
	for _, test := range []struct{ sockets, loops, sets int }{{1, 1, 1}, {3, 3, 1}, {1, 3, 1}, {2, 5, 1}, {3, 2, 2}, {5, 2, 3}, {4, 2, 2}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			l := open(t, "127.0.0.1:0", test.sockets)
			sets, err := l.Share(test.loops)
			if err != nil {
				t.Fatal(err)
			}
			seen := make(map[uint64]bool)
			for _, set := range sets {
				if len(set) != test.loops {
					t.Errorf("a set of %d, expected one for each of %d loops", len(set), test.loops)
				}
				for _, fd := range set {
					seen[inode(t, fd)] = true
				}
				closeAll(set)
			}
			if len(sets) != test.sets || len(seen) != test.sockets {
				t.Errorf("%d sets with %d sockets, expected %d with %d", len(sets), len(seen), test.sets, test.sockets)
			}
		})
	}
}

// A connection that waited before the handover is there afterwards, and those that come later find a socket all the time.
func TestPassedSocketsKeepWhatWaits(t *testing.T) {
	for name, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": "unix:" + filepath.Join(t.TempDir(), "h")} {
		t.Run(name, func(t *testing.T) {
			l := open(t, address, 2)
			network, target := "tcp", strings.TrimPrefix(l.URL, "http://")
			if name == "unix" {
				network, target = "unix", strings.TrimPrefix(l.URL, "unix:")
			}
			conn, err := net.Dial(network, target)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			found := takeOver(t, l).Find(address)
			if len(found) != 1 || found[0].URL != l.URL {
				t.Fatalf("found %v", found)
			}
			next := found[0]
			l.Disown()
			l.Close()
			if err := next.Own(Options{Backlog: 8, UnixMode: 0o600}); err != nil {
				t.Fatal(err)
			}
			accepted := 0
			for _, fd := range next.descriptors {
				if got, _, err := unix.Accept(fd); err == nil {
					accepted++
					_ = unix.Close(got)
				} else if !errors.Is(err, unix.EAGAIN) {
					t.Error(err)
				}
			}
			if accepted != 1 {
				t.Errorf("%d connections waited, expected 1", accepted)
			}
			later, err := net.Dial(network, target)
			if err != nil {
				t.Fatal(err)
			}
			_ = later.Close()
			next.Close()
			if _, err := os.Lstat(target); name == "unix" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the owner has left the path: %v", err)
			}
		})
	}
}

func TestALentPathIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	l := open(t, "unix:"+path, 1)
	h := takeOver(t, l)
	h.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("a gateway that has not taken over has removed the path: %v", err)
	}
	if _, err := ClaimPath(path); !errors.Is(err, ErrServed) {
		t.Errorf("%v, expected the path to be served", err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestFind(t *testing.T) {
	plain := open(t, "127.0.0.1:0", 1)
	var inherited []*Listener
	for _, name := range []string{"web", "web", "local"} {
		l := open(t, "127.0.0.1:0", 1)
		l.address, l.inherited, l.name = "systemd", true, name
		inherited = append(inherited, l)
	}
	for _, test := range []struct {
		addresses []string
		want      []int
	}{
		{[]string{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:1"}, []int{1, 0, 0}},
		{[]string{"systemd", "systemd:web"}, []int{3, 0}},
		{[]string{"systemd:web", "systemd:local", "systemd:other"}, []int{2, 1, 0}},
		{[]string{"systemd:local", "systemd", "127.0.0.1:0"}, []int{1, 2, 1}},
	} {
		h := takeOver(t, append(inherited, plain)...)
		left := 4
		for i, address := range test.addresses {
			found := h.Find(address)
			if len(found) != test.want[i] {
				t.Errorf("%v: %d of %q, expected %d", test.addresses, len(found), address, test.want[i])
			}
			left -= len(found)
			for _, l := range found {
				l.Close()
			}
		}
		rest := h.Rest()
		if len(rest) != left {
			t.Errorf("%v: %d are left, expected %d", test.addresses, len(rest), left)
		}
		for _, l := range rest {
			l.Close()
		}
	}
}

func TestWhatIsPassedIsChecked(t *testing.T) {
	l := open(t, "127.0.0.1:0", 1)
	path := filepath.Join(t.TempDir(), "h")
	u := open(t, "unix:"+path, 1)
	other := open(t, "unix:"+path+"2", 1)
	give := hand(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(pair[:])
	for want, p := range map[string]Passed{
		"expected at least one":        {Address: "127.0.0.1:0"},
		"it does not listen":           {Address: "127.0.0.1:0", Sockets: []int{pair[0]}},
		"not that of its lock file":    {Address: u.address, Sockets: []int{u.descriptors[0]}, Lock: give(other.claim.Descriptor())},
		"expected one for unix socket": {Address: l.address, Sockets: []int{l.descriptors[0]}, Lock: give(u.claim.Descriptor())},
	} {
		if _, err := p.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, expected %q", p, err, want)
		}
	}
	if err := CheckSocket(l.descriptors[0], unix.SOCK_SEQPACKET); err == nil || !strings.Contains(err.Error(), "of type 1, expected 5") {
		t.Errorf("%v", err)
	}
}
