package abuse

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"ringway/test/e2e/system"
)

// together runs n clients at a time until so many have been run.
func together(t *testing.T, g *system.Gateway, n, total int, client func(i int, c *client) error) {
	t.Helper()
	next := make(chan int)
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for i := range next {
				conn, err := net.Dial("tcp", g.Addr)
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					continue
				}
				c := newClient(t, conn)
				if err := client(i, c); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
				c.close()
			}
		})
	}
	for i := 0; i < total && !t.Failed(); i++ {
		next <- i
	}
	close(next)
	all.Wait()
}

// openAndDrop opens connections and drops them, in turn after nothing, a part of a head, a request and an answer, in order
// and by a reset.
func openAndDrop(total int) func(t *testing.T, g *system.Gateway) {
	return func(t *testing.T, g *system.Gateway) {
		together(t, g, 32, total, func(i int, c *client) error {
			var err error
			switch i / 2 % 6 {
			case 0, 1, 2:
			case 3:
				_, err = io.WriteString(c.conn, "GET / HT")
			case 4:
				_, err = io.WriteString(c.conn, get)
			case 5:
				if _, err = io.WriteString(c.conn, get); err == nil {
					c.expect(200, "Hello, World!")
				}
			}
			if i%2 == 0 {
				c.reset()
			}
			return err
		})
	}
}

// TestConnectionsOpenedAndDropped: connections that come and go cost nothing once they are gone.
func TestConnectionsOpenedAndDropped(t *testing.T) {
	t.Parallel()
	attack{
		flags: []string{"--max-connections", "3000", "--client-connections", "2000"}, // of those that are open
		round: openAndDrop(2000), rounds: 2,
	}.run(t)
}

// flood sends n requests on a connection without reading; then it reads all answers, or leaves.
func flood(connections, n int, reads bool) func(t *testing.T, g *system.Gateway) {
	kinds := []struct{ request, answer string }{
		{ping, "pong"}, {get, "Hello, World!"},
		{post("/echo", "Content-Length: 5\r\n\r\nhello"), "hello"},
		{"GET /bytes?n=3000 HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat(pattern, 47)[:3000]},
		{"HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n", ""},
	}
	if reads {
		kinds = kinds[:4] // an answer to HEAD cannot be told from its own text
	}
	return func(t *testing.T, g *system.Gateway) {
		together(t, g, connections, connections, func(i int, c *client) error {
			kind := kinds[i%len(kinds)]
			written := make(chan error, 1)
			go func() { written <- c.pour(kind.request, n) }()
			if !reads {
				if _, err := c.in.Peek(1); err != nil { // it is being answered
					return err
				}
				c.reset()
				return <-written
			}
			for k := range n {
				status, body, err := c.answer()
				if status != 200 || body != kind.answer || err != nil {
					c.reset()
					return fmt.Errorf("answer %d of %d to %.20q: %d %.40q %w; writing: %w", k, n, kind.request, status, body, err, <-written)
				}
			}
			return <-written
		})
	}
}

// TestPipelinedFlood: requests without end are taken in as they are answered, and all are answered in order.
func TestPipelinedFlood(t *testing.T) {
	t.Parallel()
	for name, reads := range map[string]bool{"read": true, "not read": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// How many answers wait at a time differs from round to round; an item lost at each hundredth request would show.
			allowed := system.Allowance{Heap: 1 << 20, Private: 24 << 20, Worker: 2 << 20, Goroutines: 64}
			attack{warm: flood(20, 2000, reads), round: flood(20, 2000, reads), rounds: 2, allowed: allowed}.run(t)
		})
	}
}

// TestPipelinedFloodParksLittle: of a connection's requests only the first one that no worker can take is parked, the others
// wait in the socket. Otherwise a few connections would fill all places, and everybody else would be answered 503.
func TestPipelinedFloodParksLittle(t *testing.T) {
	t.Parallel()
	attack{
		flags: []string{"--exchanges", "16", "--ring-slots", "64", "--arena-size", "256KiB", "--park-limit", "40", "--queue-deadline", "10m"},
		round: flood(20, 1000, true), rounds: 2,
	}.run(t)
}
