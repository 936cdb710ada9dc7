package native

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestConnectionsThatAreBusy: those that wait for an answer, until it is sent or they are gone.
func TestConnectionsThatAreBusy(t *testing.T) {
	config := testConfig()
	config.Settings.QueueDeadline = time.Hour
	g, address := startGateway(t, config)
	count := func() [2]uint64 {
		loop := g.Stats().Loops[0]
		return [2]uint64{loop.ConnectionsOpen, loop.ConnectionsBusy}
	}
	wait := func(what string, open, busy uint64) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); count() != [2]uint64{open, busy}; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v connections are open and busy, want %d and %d", what, count(), open, busy)
			}
		}
	}
	idle, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if _, err := io.WriteString(idle, "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil {
		t.Fatal(err)
	}
	wait("answered", 1, 0)
	busy, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	// Two requests, one connection; no worker takes them.
	if _, err := io.WriteString(busy, "GET /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	wait("parked", 2, 1)
	// A reset: the mere end of its side does not say that a client is gone.
	if err := busy.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	busy.Close()
	wait("gone", 1, 0)
}
