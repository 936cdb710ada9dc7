package notify

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// manager listens as a service manager does and returns a function that waits for what it is told next.
func manager(t *testing.T) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		packet := make([]byte, 1024)
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := conn.Read(packet)
		if err != nil {
			t.Fatal(err)
		}
		return string(packet[:n])
	}
}

func TestStatesAreTold(t *testing.T) {
	told := manager(t)
	m := New(quiet)
	m.Ready("serving on http://127.0.0.1:8080")
	if got, want := told(), "READY=1\nSTATUS=serving on http://127.0.0.1:8080"; got != want {
		t.Errorf("ready: %q, want %q", got, want)
	}
	m.Reloading()
	since, ok := strings.CutPrefix(told(), "RELOADING=1\nMONOTONIC_USEC=")
	if usec, err := strconv.ParseInt(since, 10, 64); !ok || err != nil || usec <= 0 {
		t.Errorf("reloading: %q (%v), want the microseconds of the monotonic clock", since, err)
	}
	m.Stopping()
	if got := told(); !strings.HasPrefix(got, "STOPPING=1\n") {
		t.Errorf("stopping: %q", got)
	}
}

func TestNobodyIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	var output strings.Builder
	m := New(slog.New(slog.NewTextHandler(&output, nil)))
	m.Ready("")
	m.Watch(nil, func(time.Duration) error { t.Error("asked, although there is no watchdog"); return nil })
	if output.Len() > 0 {
		t.Errorf("logged %q, want nothing", output.String())
	}
}

func TestWatchTellsWhileAlive(t *testing.T) {
	told := manager(t)
	t.Setenv("WATCHDOG_USEC", "40000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	done, ended := make(chan struct{}), make(chan struct{})
	var asked atomic.Int64
	go func() {
		defer close(ended)
		New(quiet).Watch(done, func(within time.Duration) error {
			if within != 10*time.Millisecond {
				t.Errorf("%v to find out, want a quarter of 40ms", within)
			}
			if asked.Add(1)%2 == 1 {
				return errors.New("busy")
			}
			return nil
		})
	}()
	for range 3 {
		if got := told(); got != "WATCHDOG=1" {
			t.Errorf("told %q", got)
		}
	}
	if count := asked.Load(); count < 6 {
		t.Errorf("told three times after asking %d times, want silence for each error", count)
	}
	close(done)
	<-ended
}
