package sockets

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

var worker string // its program

func TestMain(m *testing.M) {
	os.Exit(system.Main(m, system.Program{Path: &worker, Sources: "./test/sockets/worker"}))
}

func start(t *testing.T, flags ...string) *system.Gateway {
	t.Helper()
	return system.StartGateway(t, system.Options{Supervised: true, Program: worker, Flags: flags})
}

// stop ends a gateway that nothing may be left in.
func stop(t *testing.T, g *system.Gateway) {
	t.Helper()
	g.WaitIdle()
	for _, loop := range g.Stats().Loops {
		if loop.Violations != 0 || loop.Upgraded != 0 {
			t.Errorf("%d violations, %d upgraded connections", loop.Violations, loop.Upgraded)
		}
	}
	g.Stop()
}

// raw is a stream to a path, as a client has it.
type raw struct {
	*net.TCPConn
	in *bufio.Reader
}

func (c raw) Read(p []byte) (int, error) { return c.in.Read(p) }

func dialRaw(t *testing.T, g *system.Gateway, path, protocol string) raw {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(3 * system.Patience))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: %s\r\n\r\n", path, protocol)
	c := raw{conn.(*net.TCPConn), bufio.NewReader(conn)}
	r, err := http.ReadResponse(c.in, nil)
	if err != nil || r.StatusCode != 101 || r.Header.Get("Upgrade") != protocol {
		t.Fatalf("GET %s: %v, %v", path, r, err)
	}
	return c
}

func get(t *testing.T, g *system.Gateway, path string) string {
	t.Helper()
	client := http.Client{Timeout: 2 * system.Patience}
	r, err := client.Get(g.URL(path))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("GET %s: %d, %v", path, r.StatusCode, err)
	}
	return strings.TrimSpace(string(text))
}
