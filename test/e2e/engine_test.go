package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/test/e2e/system"
)

// TestAnswerBeforeTheBody: the answer is out while the request's body still comes. What then goes wrong with the body ends
// the connection, and never makes a second answer.
func TestAnswerBeforeTheBody(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--max-body", "1KiB"}})
	large := system.StartGateway(t, system.Options{Supervised: true})
	for _, test := range []struct {
		name, rest string
		gateway    *system.Gateway
		connection bool // is kept
	}{
		{"whole", "3\r\nabc\r\n0\r\n\r\n", g, true},
		{"malformed", "zz\r\n", g, false},
		{"beyond the limit", "400\r\n" + strings.Repeat("a", 1024) + "\r\n0\r\n\r\n", g, false},
		{"long", "60000\r\n" + strings.Repeat("a", 0x60000) + "\r\n0\r\n\r\n", large, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := dial(t, test.gateway)
			r.send("POST /status?code=404 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
			if answer, body := r.answer("POST"); answer.StatusCode != 404 || body != "status 404\n" {
				t.Errorf("%s %q", answer.Status, body)
			}
			r.send("%s", test.rest)
			if test.connection {
				r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if _, body := r.answer("GET"); body != "Hello, World!" {
					t.Errorf("next answer: %q", body)
				}
				return
			}
			r.closed()
		})
	}
	for _, g := range []*system.Gateway{g, large} {
		g.WaitIdle()
		g.WaitNoConnections()
		g.Stop()
	}
}

// TestNothingBehindTheLastAnswer: the end of the connection ends an answer without length; the next one must not follow it.
func TestNothingBehindTheLastAnswer(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true})
	r := dial(t, g)
	r.send("GET /stream?n=3&ms=20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" +
		"GET /status?code=404 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if answer, body := r.answer("GET"); body != "chunk 0\nchunk 1\nchunk 2\n" || answer.ContentLength >= 0 {
		t.Errorf("%v %q", answer.Header, body)
	}
	_ = r.conn.Close()
	g.WaitIdle()
	g.Stop()
}

// TestSmallPiecesAreHeld: pieces that are small enough to be copied must not pile up for a client that does not read.
func TestSmallPiecesAreHeld(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true})
	r := dial(t, g)
	const n = 1_000_000 // more than the kernel keeps for a client
	r.send("GET /stream?n=%d HTTP/1.1\r\nHost: x\r\n\r\n", n)
	system.Eventually(t, "the handler waits for the client", func() bool {
		s := g.Stats()
		return s.Lanes[0].OutArenaBytesInUse >= 32<<10 || s.Loops[0].AsideBytes > 0
	})
	answer := r.head("GET")
	lines := bufio.NewScanner(answer.Body)
	for i := range n {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("chunk %d", i) {
			t.Fatalf("line %d: %q, %v", i, lines.Text(), lines.Err())
		}
	}
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("after the last line: %q, %v", lines.Text(), lines.Err())
	}
	g.WaitIdle()
	g.Stop()
}

// TestStalledUploads: clients that stop in the middle of their bodies keep nobody else from sending one.
func TestStalledUploads(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{
		Supervised: true, Flags: []string{"--exchanges", "64", "--ring-slots", "256", "--arena-size", "512KiB", "--queue-deadline", "10m"},
	})
	var stalled []*raw
	for range 32 { // together they send more than the arena has
		r := dial(t, g)
		r.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n%s", strings.Repeat("a", 60_000))
		stalled = append(stalled, r)
	}
	system.Eventually(t, "all stalled", func() bool { return g.Stats().Loops[0].Requests == 32 })
	for _, size := range []int{1, 5000, 60_000, 300_000} {
		r := dial(t, g)
		r.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("b", size))
		if _, body := r.answer("POST"); !strings.Contains(body, fmt.Sprintf(`"bytes":%d,`, size)) {
			t.Errorf("upload of %d bytes: %q", size, body)
		}
	}
	for _, r := range stalled {
		_ = r.conn.Close()
	}
	g.WaitIdle()
	g.Stop()
}

// TestEndOfBodyWhileParked: the end of a body comes when its request waits for another worker, which does not come. The
// connection then serves the next request.
func TestEndOfBodyWhileParked(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "200ms", "--native-path", "/ping=pong"}})
	w := g.StartWorker()
	g.WaitReady(1)
	r := dial(t, g)
	r.send("GET /sleep?ms=60000 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
	system.Eventually(t, "in a handler", func() bool { return g.Stats().Lanes[0].InFlight == 1 && g.Stats().Lanes[0].Depth == 0 })
	w.Kill()
	system.Eventually(t, "parked", func() bool { return g.Stats().Loops[0].Redispatched == 1 })
	r.send("\r\n")
	if answer, _ := r.answer("GET"); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%s", answer.Status)
	}
	r.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, body := r.answer("GET"); body != "pong" {
		t.Errorf("%q", body)
	}
	g.WaitIdle()
	g.Stop()
}

// TestStopAnswersWhatHasCome: requests that lie in sockets when the gateway is told to stop are answered, also those of
// connections that were not accepted yet.
func TestStopAnswersWhatHasCome(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--native-path", "/ping=pong"}})
	kept := dial(t, g)
	kept.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	kept.answer("GET")
	all := []*raw{kept}
	g.Signal(syscall.SIGSTOP)
	for range 600 { // more than are accepted at a time
		all = append(all, dial(t, g))
	}
	for _, r := range all {
		r.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	g.Signal(syscall.SIGTERM)
	g.Signal(syscall.SIGCONT)
	for i, r := range all {
		if answer, body := r.answer("GET"); body != "pong" {
			t.Fatalf("connection %d: %s %q", i, answer.Status, body)
		}
		_ = r.conn.Close()
	}
	if status := g.Exit(system.Patience); status != 0 {
		t.Errorf("status %d", status)
	}
}

// TestOutOfDescriptors: a listener that cannot accept does so as soon as it can, also if nothing else happens.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--native-path", "/ping=pong"}})
	var old unix.Rlimit
	if err := unix.Prlimit(g.Pid(), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(g.Pid(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: old.Max}, nil); err != nil {
		t.Fatal(err)
	}
	r := dial(t, g)
	r.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
	// The listener has met the limit by then, or this test passes without having shown anything.
	_ = r.conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if b, err := r.in.Peek(1); err == nil {
		t.Errorf("answered without a descriptor: %q", b)
	}
	_ = r.conn.SetReadDeadline(time.Now().Add(system.Patience))
	if err := unix.Prlimit(g.Pid(), unix.RLIMIT_NOFILE, &old, nil); err != nil {
		t.Fatal(err)
	}
	if _, body := r.answer("GET"); body != "pong" {
		t.Errorf("%q", body)
	}
	_ = r.conn.Close()
	g.WaitNoConnections()
	g.Stop()
}

// TestTooFewDescriptorsForLoops: said in a line, with a status, and not by a crash.
func TestTooFewDescriptorsForLoops(t *testing.T) {
	t.Parallel()
	g := system.Start(t, nil, "/bin/sh", "-c", `ulimit -n 40 && exec "$@"`, "sh", system.Programs.Gateway, "serve",
		"--listen", "127.0.0.1:0", "--admin", "off", "--socket", filepath.Join(t.TempDir(), "s"), "--loops", "32")
	if status := g.Exit(system.Patience); status == 0 || status == -1 || strings.Contains(g.Stderr(), "goroutine") {
		t.Errorf("status %d", status)
	}
	if !strings.Contains(g.Stderr(), "starting event loops: too many open files") {
		t.Errorf("stderr: %q", g.Stderr())
	}
}
