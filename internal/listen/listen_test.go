package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, text string, loops int) *Listener {
	t.Helper()
	l, err := Open(text, Options{Loops: loops, Backlog: 128})
	if err != nil {
		t.Fatalf("Open(%q): %v", text, err)
	}
	t.Cleanup(l.Close)
	return l
}

func TestOpenTCPGivesOneListeningSocketPerLoop(t *testing.T) {
	l := open(t, "127.0.0.1:0", 3)
	hostPort, found := strings.CutPrefix(l.URL, "http://127.0.0.1:")
	if !found || hostPort == "0" {
		t.Fatalf("URL = %q, want the bound port", l.URL)
	}
	if len(l.descriptors) != 3 {
		t.Fatalf("%d descriptors, want 3", len(l.descriptors))
	}
	for _, fd := range l.descriptors {
		if accepting, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); accepting != 1 {
			t.Errorf("descriptor %d does not listen", fd)
		}
		flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if flags&unix.O_NONBLOCK == 0 {
			t.Errorf("descriptor %d blocks", fd)
		}
		if flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d is inherited by children", fd)
		}
	}
	// Connections spread over all sockets: every one of them is in the kernel's group.
	for range 200 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(l.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	for _, fd := range l.descriptors {
		accepted, _, err := unix.Accept(fd)
		if err != nil {
			t.Errorf("no connection of 200 reached descriptor %d: %v", fd, err)
			continue
		}
		_ = unix.Close(accepted)
	}
}

func TestBacklog(t *testing.T) {
	l, err := Open("127.0.0.1:0", Options{Loops: 2, Backlog: 17})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, fd := range l.descriptors {
		// Of a listening socket these fields are the accept queue: how many wait, and how many may.
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || info.Sacked != 17 || info.Unacked != 0 {
			t.Errorf("accept queue %+v, %v, expected room for 17", info, err)
		}
	}
}

func TestOpenTCPRefusesAPortThatAnotherGatewayServes(t *testing.T) {
	first := open(t, "127.0.0.1:0", 2)
	text := strings.TrimPrefix(first.URL, "http://")
	second, err := Open(text, Options{Loops: 2, Backlog: 128})
	if err == nil {
		second.Close()
		t.Fatal("two gateways share one port")
	}
	if !errors.Is(err, ErrServed) || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "expected") {
		t.Fatalf("error %q, want ErrServed with address and expectation", err)
	}
	first.Close()
	open(t, text, 2)
}

func TestOpenTCPRefusesAPortOfAnOrdinaryServer(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := Open(server.Addr().String(), Options{Loops: 1, Backlog: 128}); !errors.Is(err, ErrServed) {
		t.Fatalf("error %v, want ErrServed", err)
	}
}

func TestOpenTCPWithoutHostServesBothFamilies(t *testing.T) {
	l := open(t, ":0", 2)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(l.URL, "http://"))
	if err != nil {
		t.Fatalf("URL %q: %v", l.URL, err)
	}
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestOpenNamesBadAddresses(t *testing.T) {
	directory := t.TempDir()
	file := filepath.Join(directory, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http-but-not", "127.0.0.1:70000", "host.invalid:80",
		"198.51.100.7:0", "[::1", "[fe80::1%nosuchzone]:0",
		"unix:", "unix:@abstract", "unix:" + strings.Repeat("x", 108), "unix:" + file, "unix:" + directory + "/no/such",
	} {
		l, err := Open(text, Options{Loops: 1, Backlog: 128})
		if err == nil {
			l.Close()
			t.Errorf("Open(%q) succeeded", text)
			continue
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%q): %q is more than one line", text, err)
		}
		t.Log(err)
	}
}

func TestUnixSocketIsSharedByAllLoops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "http.sock")
	l := open(t, "unix:"+path, 3)
	if l.URL != "unix:"+path || len(l.descriptors) != 1 {
		t.Fatalf("URL %q descriptors %v", l.URL, l.descriptors)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	l.Close()
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 0 {
		t.Fatalf("left behind: %v", entries)
	}
}

func TestClaimReplacesTheSocketOfADeadProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
	claim, err := ClaimPath(path)
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the stale socket is still there: %v", err)
	}
}

func TestClaimRefusesLiveSocketsOfEveryType(t *testing.T) {
	for _, network := range []string{"unix", "unixpacket"} {
		path := filepath.Join(t.TempDir(), "s")
		live, err := net.Listen(network, path)
		if err != nil {
			t.Fatal(err)
		}
		defer live.Close()
		if _, err := ClaimPath(path); !errors.Is(err, ErrServed) {
			t.Errorf("%s: error %v, want ErrServed", network, err)
		}
		if _, err := net.Dial(network, path); err != nil {
			t.Errorf("%s: the live socket was disturbed: %v", network, err)
		}
	}
}

func TestOnlyOneOfManyClaimsWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		won   []*Claim
	)
	for range 32 {
		group.Go(func() {
			claim, err := ClaimPath(path)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, claim)
			} else if !errors.Is(err, ErrServed) {
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	group.Wait()
	if len(won) != 1 {
		t.Fatalf("%d claims won, want 1", len(won))
	}
	won[0].Release()
	again, err := ClaimPath(path)
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

func TestBindRefusesConnectionsUntilSecured(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	claim, fd, err := BindControl(path, func(path string) error {
		if conn, err := net.Dial("unixpacket", path); err == nil {
			_ = conn.Close()
			return fmt.Errorf("a peer connected before the socket was secured")
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	defer func() { _ = unix.Close(fd) }()
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, want 0600", info.Mode())
	}
}
