package abuse

import (
	"io"
	"strings"
	"sync"
	"testing"

	"ringway/test/e2e/system"
)

const (
	ping = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
	get  = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
)

// stage is a moment in the life of a connection at which its client leaves.
type stage struct {
	name    string
	text    string          // what the client sends to get there
	reach   func(c *client) // waits until the gateway is there
	answers []int           // what one that half-closes is still told
	ends    func(c *client) // instead of answers
}

// ponged: the gateway answers ping in the same turn as it reads what came with it in one piece.
func ponged(c *client) {
	c.t.Helper()
	c.expect(200, "pong")
}

func peek(n int) func(c *client) {
	return func(c *client) {
		c.t.Helper()
		if _, err := c.in.Peek(n); err != nil {
			c.t.Error(err)
		}
	}
}

func post(path, rest string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + rest
}

const chunked = "Transfer-Encoding: chunked\r\n\r\n"

func times(n, status int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = status
	}
	return all
}

var stages = []stage{
	{name: "before a byte", reach: func(*client) {}},
	{name: "between two requests", text: ping, reach: ponged},
	{name: "in the request line", text: ping + "GE", reach: ponged},
	{name: "in the head", text: ping + "GET / HTTP/1.1\r\nHost: x\r\nA:", reach: ponged},
	{name: "after the head", text: ping + post("/upload", "Content-Length: 10\r\n\r\n"), reach: ponged, answers: []int{400}},
	{name: "in a body by length", text: ping + post("/upload", "Content-Length: 100000\r\n\r\n"+strings.Repeat("a", 50_000)), reach: ponged, answers: []int{400}},
	{name: "in a chunk's size", text: ping + post("/upload", chunked+"5\r\nhello\r\n1"), reach: ponged, answers: []int{400}},
	{name: "in a chunk", text: ping + post("/upload", chunked+"5\r\nhello\r\n500\r\nab"), reach: ponged, answers: []int{400}},
	{name: "in trailers", text: ping + post("/upload", chunked+"5\r\nhello\r\n0\r\nX-Trailer: "), reach: ponged, answers: []int{400}},
	{name: "in a body that a handler reads", text: post("/upload", "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"), reach: func(c *client) {
		c.t.Helper()
		line, err := c.in.ReadString('\n')
		rest, _ := c.in.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") || rest != "\r\n" {
			c.t.Errorf("%q %q %v, want 100", line, rest, err)
		}
	}, answers: []int{400}},
	{name: "in a body that is echoed", text: post("/echo", chunked+"5\r\nhello\r\n"), reach: func(c *client) {
		c.t.Helper()
		for line := ""; line != "hello\r\n"; {
			var err error
			if line, err = c.in.ReadString('\n'); err != nil {
				c.t.Error(err)
				return
			}
		}
	}},
	{name: "in a body that nobody reads", text: ping + post("/sleep?ms=300", "Content-Length: 1000000\r\n\r\n"+strings.Repeat("a", 400_000)), reach: ponged,
		ends: func(c *client) { _, _ = io.Copy(io.Discard, c.in) }}, // unread bytes make the gateway's end a reset
	{name: "in a body behind an answer that is not out", text: ping + "GET /bytes?n=3000000 HTTP/1.1\r\nHost: x\r\n\r\n" +
		"GET /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc", reach: ponged, answers: []int{200, 400}},
	{name: "in a body that was answered", text: post("/status?code=404", "Content-Length: 100000\r\n\r\nabc"),
		reach: func(c *client) { c.expect(404, "status 404") }},
	{name: "while a handler runs", text: ping + "GET /sleep?ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n", reach: ponged, answers: []int{499}},
	{name: "in an answer's head", text: "GET /bytes?n=3000000 HTTP/1.1\r\nHost: x\r\n\r\n", reach: peek(5), answers: []int{200}},
	{name: "in an answer's body", text: "GET /bytes?n=3000000 HTTP/1.1\r\nHost: x\r\n\r\n", reach: peek(4000), answers: []int{200}},
	{name: "in an answer in chunks", text: "GET /stream?n=60000 HTTP/1.1\r\nHost: x\r\n\r\n", reach: peek(4000), answers: []int{200}},
	{name: "between pipelined requests", text: ping + strings.Repeat(get, 3), reach: ponged, answers: times(3, 200)},
	{name: "in a pipelined head", text: ping + strings.Repeat(get, 3) + "GET ", reach: ponged, answers: times(3, 200)},
	{name: "with more requests than are let in", text: strings.Repeat(ping+get, 500), reach: ponged, answers: times(999, 200)},
	{name: "with requests behind an unsafe one", text: ping + post("/echo", "Content-Length: 5\r\n\r\nhello") + get + get, reach: ponged, answers: times(3, 200)},
	{name: "before the answer to what is malformed", text: ping + get + "NONSENSE\r\n\r\n", reach: ponged, answers: []int{200, 400}},
	{name: "while the gateway lingers", text: "NONSENSE\r\n\r\n", reach: func(c *client) {
		c.t.Helper()
		c.expect(400, "")
		if rest, err := io.ReadAll(c.in); err != nil || len(rest) != 0 {
			c.t.Errorf("%q, %v, want the end", rest, err)
		}
	}},
}

// leave has n clients leave at each stage, in one way.
func leave(n int, way func(c *client, s stage)) func(t *testing.T, g *system.Gateway) {
	return func(t *testing.T, g *system.Gateway) {
		for _, s := range stages {
			all := dialMany(t, g, n)
			for _, c := range all {
				c.send(s.text)
			}
			var leaving sync.WaitGroup
			for _, c := range all {
				leaving.Go(func() { way(c, s) })
			}
			leaving.Wait()
			if t.Failed() {
				t.Fatalf("stage %q", s.name)
			}
		}
	}
}

// ways are how a client can leave.
var ways = map[string]func(c *client, s stage){
	"reset":         func(c *client, s stage) { s.reach(c); c.reset() },
	"reset at once": func(c *client, _ stage) { c.reset() },
	"close":         func(c *client, s stage) { s.reach(c); c.close() },
	"half-close": func(c *client, s stage) {
		s.reach(c)
		if s.ends == nil {
			c.halfClose(s.answers...)
			return
		}
		_ = c.conn.CloseWrite()
		s.ends(c)
		c.close()
	},
}

// TestLeaving: clients that leave at any moment, in any way, leave nothing behind; one that only closes its own direction
// is still told what it asked for.
func TestLeaving(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attack{warm: leave(6, ways["close"]), round: leave(6, way), rounds: 5}.run(t)
		})
	}
}
