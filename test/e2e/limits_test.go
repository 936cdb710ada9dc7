package e2e

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// overloaded expects a 503 that says when to come back, and the end of the connection (RFC 9110, 15.6.4).
func overloaded(t *testing.T, r *raw) {
	t.Helper()
	answer, body := r.answer("GET")
	if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || !answer.Close || !strings.HasPrefix(body, "503 too many connections") {
		t.Errorf("%s %v %q, expected 503 with Retry-After and close", answer.Status, answer.Header, body)
	}
	r.closed()
}

func served(t *testing.T, r *raw) {
	t.Helper()
	r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer, body := r.answer("GET"); answer.StatusCode != 200 || body != "Hello, World!" {
		t.Errorf("%s %q", answer.Status, body)
	}
}

// TestMaxConnections: one connection too many is answered before it asks, however many loops there are, and the others
// are served. Its place is free again when another one ends.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--max-connections", "3", "--loops", "2"}})
	var open []*raw
	for range 3 {
		open = append(open, dial(t, g))
		served(t, open[len(open)-1])
	}
	for range 5 {
		overloaded(t, dial(t, g))
	}
	r := dial(t, g)
	r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n") // what it asks is not looked at
	overloaded(t, r)
	_ = open[0].conn.Close()
	system.Eventually(t, "a free place", func() bool { return connections(g) == 2 })
	for _, r := range append(open[1:], dial(t, g)) {
		served(t, r)
		_ = r.conn.Close()
	}
	if got := refused(g, "too many connections"); got != 6 {
		t.Errorf("%d refusals are counted, expected 6", got)
	}
	if !strings.Contains(g.Stderr(), `reason="too many connections"`) {
		t.Error("no line tells of it")
	}
	g.WaitNoConnections()
	g.Stop()
}

func connections(g *system.Gateway) (n uint64) {
	for _, l := range g.Stats().Loops {
		n += l.ConnectionsOpen
	}
	return n
}

func refused(g *system.Gateway, reason string) (n uint64) {
	for _, l := range g.Stats().Loops {
		n += l.Refused[reason]
	}
	return n
}

// TestClientConnections: one client's connections leave room for others.
func TestClientConnections(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--client-connections", "2", "--loops", "2"}})
	from := func(address string) *raw {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		conn, err := dialer.Dial("tcp", g.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(system.Patience))
		return &raw{t, conn, bufio.NewReader(conn)}
	}
	greedy := []*raw{from("127.0.0.2"), from("127.0.0.2")}
	for _, r := range greedy {
		served(t, r)
	}
	overloaded(t, from("127.0.0.2"))
	served(t, from("127.0.0.3"))
	_ = greedy[0].conn.Close()
	system.Eventually(t, "a free place", func() bool { return connections(g) == 2 })
	served(t, from("127.0.0.2"))
	if got := refused(g, "too many connections of one client"); got != 1 {
		t.Errorf("%d refusals are counted, expected 1", got)
	}
	g.Stop()
}

// TestConnectionFlood: far more connections than are admitted. Those beyond what the gateway tells so are closed at once,
// and nothing of them is left.
func TestConnectionFlood(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--max-connections", "1"}})
	r := dial(t, g)
	served(t, r)
	var flood []net.Conn
	for range 600 {
		conn, err := net.Dial("tcp", g.Addr)
		if err != nil {
			t.Fatal(err)
		}
		flood = append(flood, conn)
	}
	system.Eventually(t, "600 refusals", func() bool { return refused(g, "too many connections") == 600 })
	if open := connections(g); open > 257 {
		t.Errorf("%d connections are open, expected at most 256 besides the one", open)
	}
	served(t, r)
	for _, conn := range flood {
		_ = conn.Close()
	}
	_ = r.conn.Close()
	g.WaitNoConnections()
	served(t, dial(t, g))
	if lines := strings.Count(g.Stderr(), "request refused"); lines == 0 || lines > 100 {
		t.Errorf("%d lines tell of 600 refusals, expected some", lines)
	}
	g.Stop()
}

// TestMaxRequests: the last request of a connection is told so, and pipelined ones behind it are not executed.
func TestMaxRequests(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--max-requests", "2"}})
	r := dial(t, g)
	r.send("%s", strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 3))
	for i := range 2 {
		if answer, body := r.answer("GET"); body != "Hello, World!" || answer.Close != (i == 1) {
			t.Errorf("answer %d: %q, close %v", i+1, body, answer.Close)
		}
	}
	r.closed()
	g.Stop()
}

// TestRequestTimeout: a handler that takes too long is told so, and its client is answered 504; the connection goes on.
func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{
				Supervised: true, Worker: []string{"--mode", mode},
				Flags: []string{"--request-timeout", "1s", "--queue-deadline", "20s"},
			})
			r := dial(t, g)
			r.send("GET /sleep?ms=600000 HTTP/1.1\r\nHost: x\r\n\r\n")
			if answer, body := r.answer("GET"); answer.StatusCode != 504 || answer.Close || body != "504 the application did not answer in time\n" {
				t.Errorf("%s %v %q", answer.Status, answer.Close, body)
			}
			g.WaitIdle() // the sleeping handler was cancelled
			served(t, r)
			// What streams has begun to answer in time.
			r.send("GET /stream?n=8&ms=200 HTTP/1.1\r\nHost: x\r\n\r\n")
			if answer, body := r.answer("GET"); answer.StatusCode != 200 || !strings.HasSuffix(body, "chunk 7\n") {
				t.Errorf("%s %q", answer.Status, body)
			}
			if l := g.Stats().Loops[0]; l.RequestTimeouts != 1 {
				t.Errorf("%d timeouts are counted, expected 1", l.RequestTimeouts)
			}
			g.Stop()
		})
	}
}

// TestInFlight: what a worker may not have yet waits, in order.
func TestInFlight(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--in-flight", "2", "--park-limit", "1"}})
	var waiting []*raw
	for range 3 {
		r := dial(t, g)
		r.send("GET /sleep?ms=400 HTTP/1.1\r\nHost: x\r\n\r\n")
		waiting = append(waiting, r)
		system.Eventually(t, "requests under way", func() bool {
			s := g.Stats()
			return s.Loops[0].Requests == uint64(len(waiting))
		})
	}
	s := g.Stats()
	if s.Lanes[0].InFlight > 2 {
		t.Errorf("%d in flight, expected at most 2", s.Lanes[0].InFlight)
	}
	for _, r := range waiting {
		if answer, _ := r.answer("GET"); answer.StatusCode != 200 {
			t.Error(answer.Status)
		}
	}
	if s := g.Stats(); s.Loops[0].ParkedHighWater != 1 {
		t.Errorf("parked at most %d, expected 1", s.Loops[0].ParkedHighWater)
	}
	g.Stop()
}

// TestHalfCloseInABody: that request can never be complete (RFC 9112, 8); those before it are answered.
func TestHalfCloseInABody(t *testing.T) {
	everyWorker(t, func(t *testing.T, g *system.Gateway) {
		for _, test := range []struct{ name, before, body string }{
			{"length", "", "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"},
			{"chunked", "", "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"},
			{"behind others", strings.Repeat("GET /bytes?n=1000 HTTP/1.1\r\nHost: x\r\n\r\n", 3),
				"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"},
		} {
			t.Run(test.name, func(t *testing.T) {
				r := dial(t, g)
				r.send("%s%s", test.before, test.body)
				if err := r.conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				for range strings.Count(test.before, "GET") {
					if answer, body := r.answer("GET"); answer.StatusCode != 200 {
						t.Errorf("%s %q", answer.Status, body)
					}
				}
				if answer, body := r.answer("POST"); answer.StatusCode != 400 || body != "400 request body incomplete\n" || !answer.Close {
					t.Errorf("%s %q", answer.Status, body)
				}
				r.closed()
			})
		}
		g.WaitNoConnections()
		g.WaitIdle()
	})
}
