package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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

// TestExpectContinue: 100 comes when the handler reads the body, and only then.
func TestExpectContinue(t *testing.T) {
	everyWorker(t, func(t *testing.T, g *system.Gateway) {
		r := dial(t, g)
		r.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
		if answer := r.head("POST"); answer.StatusCode != 100 {
			t.Fatalf("%s, want 100", answer.Status)
		}
		r.send("hello")
		if answer, body := r.answer("POST"); answer.StatusCode != 200 || !strings.Contains(body, `"bytes":5`) {
			t.Errorf("%s %q", answer.Status, body)
		}

		// A body that comes at once needs no 100.
		r.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
		if answer, _ := r.answer("POST"); answer.StatusCode != 200 {
			t.Errorf("%s, want 200 without 100", answer.Status)
		}

		// A handler that does not read.
		r = dial(t, g)
		r.send("POST /status?code=403 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
		if answer, _ := r.answer("POST"); answer.StatusCode != 403 || !answer.Close {
			t.Errorf("%s, close %v, want 403 without 100, and close: what comes next could be body or request", answer.Status, answer.Close)
		}
		r.closed()

		// The handler waits first: nothing before it answers.
		r = dial(t, g)
		r.send("POST /sleep?ms=20 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
		if answer, _ := r.answer("POST"); answer.StatusCode != 200 || !answer.Close {
			t.Errorf("%s, close %v, want 200 without 100, and close", answer.Status, answer.Close)
		}
		r.closed()
	})
}

// TestUnreadBody: an answer that comes while the body is still being sent reaches the client whole.
func TestUnreadBody(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true})
	for _, size := range []int{100, 70000, 4 << 20} {
		r := dial(t, g)
		r.send("POST /status?code=403 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size)
		go func() { _, _ = r.conn.Write(make([]byte, size)) }()
		// What is too much to be read for nothing ends the connection, which the answer says.
		if answer, body := r.answer("POST"); answer.StatusCode != 403 || body != "status 403\n" || answer.Close != (size > 1<<20) {
			t.Errorf("%d bytes: %s %q, close %v", size, answer.Status, body, answer.Close)
		}
		_ = r.conn.Close()
	}
	g.WaitIdle()
	g.Stop()
}

// reset closes a connection so that the peer gets RST.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// TestClientGone: a client that goes away cancels the handler's context, whichever way it goes and whatever is under way.
func TestClientGone(t *testing.T) {
	t.Parallel()
	for _, w := range workers {
		if w.dispatch == "inline" {
			continue // documented: an inline handler that waits does not learn it
		}
		t.Run(w.mode+"-"+w.dispatch, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{
				Supervised: true, Worker: []string{"--mode", w.mode, "--dispatch", w.dispatch, "--pool", "8"},
			})
			for name, text := range map[string]string{
				"waiting":        "GET /sleep?ms=600000 HTTP/1.1\r\nHost: x\r\n\r\n",
				"reading":        "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc",
				"reading chunks": "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
				"streaming":      "GET /stream?n=100000&ms=5 HTTP/1.1\r\nHost: x\r\n\r\n",
				"writing":        "GET /bytes?n=500000000 HTTP/1.1\r\nHost: x\r\n\r\n",
				"echoing":        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
				"pipelined":      strings.Repeat("GET /sleep?ms=600000 HTTP/1.1\r\nHost: x\r\n\r\n", 5),
			} {
				for way, leave := range map[string]func(net.Conn){"reset": reset, "close": func(c net.Conn) { _ = c.Close() }} {
					r := dial(t, g)
					r.send("%s", text)
					system.Eventually(t, "in flight", func() bool { return g.Stats().Workers[0].InFlight > 0 })
					if name == "streaming" { // each chunk comes when it is flushed: the handler has minutes to go
						if line, err := bufio.NewReader(r.head("GET").Body).ReadString('\n'); line != "chunk 0\n" {
							t.Errorf("%q, %v", line, err)
						}
					}
					leave(r.conn)
					system.Eventually(t, name+" "+way+": the handler's end", func() bool { return g.Stats().Workers[0].InFlight == 0 })
				}
			}
			// A half-close cancels too, but what is answered is still sent.
			r := dial(t, g)
			r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if err := r.conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if _, body := r.answer("GET"); body != "Hello, World!" {
				t.Errorf("half-closed: %q", body)
			}
			r.closed()
			g.WaitIdle()
			g.Stop()
		})
	}
}

// residentKiB is the resident memory of a process.
func residentKiB(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kib int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			return kib
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// TestSlowReaders: clients that do not read cost a bounded window, other clients notice nothing, and what they read
// later is whole.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--arena-size", "8MiB"}})
	client := newClient(t)
	const size, clients = 24 << 20, 12
	before := residentKiB(t, g.Pid())
	var slow []*raw
	for range clients {
		r := dial(t, g)
		r.send("GET /bytes?n=%d HTTP/1.1\r\nHost: x\r\n\r\n", size)
		slow = append(slow, r)
	}
	system.Eventually(t, "all are answered", func() bool { return g.Stats().Lanes[0].InFlight == clients })
	for range 50 {
		if answer, body := get(t, client, g.URL("/bytes?n=100000")); answer.StatusCode != 200 || !isPattern(body) {
			t.Fatalf("beside slow clients: %s, %d bytes", answer.Status, len(body))
		}
	}
	s := g.Stats()
	if lane := s.Lanes[0]; lane.OutArenaBytesInUse > lane.ArenaBytes || lane.InFlight == 0 {
		t.Errorf("in flight %d, %d of %d bytes in use", lane.InFlight, lane.OutArenaBytesInUse, lane.ArenaBytes)
	}
	// The arena is mapped memory of 8 MiB each way; beyond that there is little.
	if grown := residentKiB(t, g.Pid()) - before; grown > 40<<10 {
		t.Errorf("the gateway grew by %d KiB", grown)
	}
	for i, r := range slow {
		if i%3 == 2 {
			reset(r.conn)
			continue
		}
		_ = r.conn.SetDeadline(time.Now().Add(system.Patience))
		answer := r.head("GET")
		sum := sha256.New()
		n, err := io.Copy(sum, answer.Body)
		want := sha256.New()
		for range size / 64 {
			_, _ = io.WriteString(want, patternAlphabet)
		}
		if err != nil || n != size || hex.EncodeToString(sum.Sum(nil)) != hex.EncodeToString(want.Sum(nil)) {
			t.Errorf("client %d: %d bytes, %v", i, n, err)
		}
	}
	g.WaitIdle()
	g.Stop()
}

// TestSlowWriters: an upload whose handler does not read stops at a bounded window and goes on later.
func TestSlowWriters(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true})
	body := random(16 << 20)
	type result struct {
		body []byte
		err  error
	}
	done := make(chan result, 1)
	reading, writing := io.Pipe()
	request, _ := http.NewRequest("POST", g.URL("/echo"), bytes.NewReader(body))
	answer, err := newClient(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := io.Copy(writing, answer.Body)
		_ = writing.CloseWithError(err)
	}()
	// Nobody reads the echo, so that it stands still.
	system.Eventually(t, "a full window both ways", func() bool {
		lane := g.Stats().Lanes[0]
		if lane.ArenaBytesInUse > lane.ArenaBytes || lane.OutArenaBytesInUse > lane.ArenaBytes {
			t.Errorf("%d and %d bytes in use", lane.ArenaBytesInUse, lane.OutArenaBytesInUse)
		}
		return lane.ArenaBytesInUse > 0 && lane.OutArenaBytesInUse > 0
	})
	go func() {
		got, err := io.ReadAll(reading)
		done <- result{got, err}
	}()
	got := <-done
	answer.Body.Close()
	if got.err != nil || !bytes.Equal(got.body, body) {
		t.Errorf("%d of %d bytes, %v", len(got.body), len(body), got.err)
	}
	g.WaitIdle()
	g.Stop()
}
