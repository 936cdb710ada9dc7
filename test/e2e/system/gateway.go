package system

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/internal/admin"
)

// Patience is how long tests wait for what should take milliseconds.
const Patience = 20 * time.Second

// Options say how a gateway is started.
type Options struct {
	Flags      []string
	Supervised bool     // start workers
	Program    string   // of supervised workers; empty: the example worker
	Worker     []string // its arguments
	Self       string   // path at which workers tell what they hold; empty: they do not
	Socket     string   // of the control socket; empty: a fresh one
	Listen     string   // empty: 127.0.0.1:0
	// Log is a file for all output of the gateway and of those that take its place; empty: it is kept in memory.
	Log string
	// Passed are listening sockets that the gateway inherits as from a service manager, by their names.
	Passed []*os.File
}

// Gateway is a gateway that runs.
type Gateway struct {
	*Process
	Addr   string   // host and port for clients: the first
	URLs   []string // of all listeners
	Proxy  string   // host and port for proxies, if there are any
	Admin  string   // URL
	Socket string

	admin    *http.Client
	selfPath string
}

// StartGateway starts a gateway and waits for its addresses and, if it is supervised, for its first worker.
func StartGateway(t testing.TB, o Options) *Gateway {
	t.Helper()
	g := &Gateway{Socket: o.Socket, selfPath: o.Self}
	// One connection that is kept: what asking costs in descriptors is always the same.
	transport := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	g.admin = &http.Client{Timeout: 10 * time.Second, Transport: transport}
	if g.Socket == "" {
		g.Socket = filepath.Join(t.TempDir(), "s")
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	arguments := append([]string{"serve", "--listen", o.Listen, "--admin", "127.0.0.1:0", "--socket", g.Socket}, o.Flags...)
	if o.Supervised {
		arguments = append(arguments, "--worker", cmp.Or(o.Program, Programs.Worker), "--")
		arguments = append(arguments, o.Worker...)
	}
	g.Process = startGateway(t, o, arguments)
	if o.Log != "" {
		Eventually(t, "the gateway tells its addresses", func() bool {
			for line := range strings.Lines(g.Stderr()) {
				if g.hear(strings.TrimSpace(line)) {
					return true
				}
			}
			if g.Ended() {
				t.Fatalf("the gateway has ended; it wrote:\n%s", g.Stderr())
			}
			g.URLs = nil
			return false
		})
	}
	for o.Log == "" {
		line, ok := g.Line(Patience)
		if !ok {
			t.Fatalf("the gateway has not told its addresses; it wrote:\n%s", g.Stderr())
		}
		if g.hear(line) {
			break
		}
	}
	if o.Supervised {
		g.WaitReady(1)
	}
	return g
}

// hear takes an address from a line of standard output, and tells whether it was the last.
func (g *Gateway) hear(line string) bool {
	if url, found := strings.CutPrefix(line, "listening on "); found {
		g.URLs = append(g.URLs, url)
		if addr, found := strings.CutPrefix(url, "http://"); found && g.Addr == "" {
			g.Addr = addr
		}
	}
	if addr, found := strings.CutPrefix(line, "listening for proxies on http://"); found {
		g.Proxy = addr
	}
	if url, found := strings.CutPrefix(line, "admin on "); found {
		g.Admin = url
	}
	return strings.HasPrefix(line, "control socket on ")
}

func startGateway(t testing.TB, o Options, arguments []string) *Process {
	t.Helper()
	passed := o.Passed
	if len(passed) == 0 {
		return start(t, nil, nil, o.Log, Programs.Gateway, arguments...)
	}
	var names []string
	for _, file := range passed {
		names = append(names, file.Name())
	}
	environment := []string{fmt.Sprintf("LISTEN_FDS=%d", len(passed)), "LISTEN_FDNAMES=" + strings.Join(names, ":")}
	// The process that the sockets are for is named by its id, which a shell that becomes it knows.
	shell := append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, Programs.Gateway}, arguments...)
	return start(t, passed, environment, o.Log, "/bin/sh", shell...)
}

// StartWorker starts a worker that attaches to the gateway's socket.
func (g *Gateway) StartWorker(arguments ...string) *Process {
	g.t.Helper()
	return Start(g.t, []string{"RINGWAY_SOCKET=" + g.Socket}, Programs.Worker, arguments...)
}

// URL is the address of a path.
func (g *Gateway) URL(path string) string { return "http://" + g.Addr + path }

// Stats are the gateway's own account.
func (g *Gateway) Stats() admin.Snapshot {
	g.t.Helper()
	var s admin.Snapshot
	if err := json.Unmarshal(g.StatsText(), &s); err != nil {
		g.t.Fatal(err)
	}
	return s
}

// StatsText is the answer of GET /stats.
func (g *Gateway) StatsText() []byte {
	g.t.Helper()
	answer, err := g.admin.Get(g.Admin + "/stats")
	if err != nil {
		g.t.Fatalf("stats: %v", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		g.t.Fatalf("stats: %s, %v", answer.Status, err)
	}
	return text
}

// Ready counts the workers that can serve.
func (g *Gateway) Ready() int {
	n := 0
	for _, w := range g.Stats().Workers {
		if w.State == "ready" {
			n++
		}
	}
	return n
}

// WaitReady waits until n workers can serve.
func (g *Gateway) WaitReady(n int) {
	g.t.Helper()
	Eventually(g.t, "workers ready", func() bool { return g.Ready() >= n })
}

// Busy says what is in flight or in use; empty if nothing is.
func (g *Gateway) Busy() string {
	g.t.Helper()
	s := g.Stats()
	var busy strings.Builder
	note := func(what string, n uint64) {
		if n != 0 {
			busy.WriteString(what + " ")
		}
	}
	for _, l := range s.Lanes {
		note("in_flight", l.InFlight)
		note("depth", l.Depth)
		note("arena_bytes_in_use", l.ArenaBytesInUse)
		note("out_arena_bytes_in_use", l.OutArenaBytesInUse)
	}
	for _, w := range s.Workers {
		note("worker in_flight", w.InFlight)
	}
	for _, l := range s.Loops {
		note("parked", l.Parked)
		note("aside_bytes", l.AsideBytes)
	}
	return busy.String()
}

// WaitIdle waits until nothing is in flight and no arena byte is in use.
func (g *Gateway) WaitIdle() {
	g.t.Helper()
	deadline := time.Now().Add(Patience)
	for busy := g.Busy(); busy != ""; busy = g.Busy() {
		if time.Now().After(deadline) {
			g.t.Fatalf("still in use: %s\n%s", busy, g.StatsText())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// WaitNoConnections waits until the gateway has closed every connection.
func (g *Gateway) WaitNoConnections() {
	g.t.Helper()
	Eventually(g.t, "no open connections", func() bool {
		for _, l := range g.Stats().Loops {
			if l.ConnectionsOpen != 0 {
				return false
			}
		}
		return true
	})
}

// Stop ends the gateway by TERM; the test fails unless it ends with status 0.
func (g *Gateway) Stop() {
	g.t.Helper()
	g.Signal(syscall.SIGTERM)
	if status := g.Exit(Patience); status != 0 {
		g.t.Errorf("the gateway ended with status %d", status)
	}
}

// Eventually waits until a condition holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, Patience)
		}
	}
}
