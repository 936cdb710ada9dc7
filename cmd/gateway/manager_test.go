package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// managerSocket is where a gateway that is started from then on tells a service manager of itself. The function returned
// waits for a message that begins with a text.
func managerSocket(t *testing.T) func(prefix string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func(prefix string) string {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		for packet := make([]byte, 4096); ; {
			n, err := conn.Read(packet)
			if err != nil {
				t.Fatalf("waiting for %q: %v", prefix, err)
			}
			if text := string(packet[:n]); strings.HasPrefix(text, prefix) {
				return text
			}
		}
	}
}

// TestTheServiceManagerIsTold: ready, reloading, alive while core and loops are, stopping; workers know nothing of it.
func TestTheServiceManagerIsTold(t *testing.T) {
	told := managerSocket(t)
	t.Setenv("WATCHDOG_USEC", "400000")
	p := launch(t, "--worker", workerBinary)
	if got := told("READY=1"); !strings.Contains(got, "STATUS=serving on "+p.url) {
		t.Errorf("told %q, want the address", got)
	}
	for range 3 {
		told("WATCHDOG=1")
	}
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.workerPid()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"NOTIFY_SOCKET=", "WATCHDOG_USEC="} {
		if strings.Contains(string(environment), name) {
			t.Errorf("the worker's environment has %s", name)
		}
	}
	p.signal(syscall.SIGHUP)
	told("RELOADING=1\nMONOTONIC_USEC=")
	told("READY=1")
	p.signal(syscall.SIGTERM)
	told("STOPPING=1")
	p.expectEnd(0, 5*time.Second)
}
