package abuse

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// drips are things that a client can send without ever coming to an end: first what goes out at once.
var drips = []struct{ first, drops string }{
	{"G", "ET /" + strings.Repeat("a", 8000)},
	{"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", strings.Repeat("a", 8000)},
	{"GET / HTTP/1.1\r\n", "Host: x\r\n" + strings.Repeat("A: b\r\n", 90)},
	{post("/upload", "Content-Length: 100000\r\n\r\n"), strings.Repeat("a", 8000)},
	{post("/upload", chunked), strings.Repeat("1\r\na\r\n", 1000)},
	{post("/upload", chunked), "1;x=" + strings.Repeat("a", 1000)},
	{post("/upload", chunked+"0\r\n"), strings.Repeat("A: b\r\n", 90)},
	{post("/sleep?ms=600000", "Content-Length: 100000\r\n\r\n"), strings.Repeat("a", 8000)},
}

// dripFeed opens n connections that send a byte every so often, all in step, until the gateway has told each of them that it
// takes too long.
func dripFeed(n int, apart time.Duration) func(t *testing.T, g *system.Gateway) {
	return func(t *testing.T, g *system.Gateway) {
		all := make([]*client, n)
		for i := range all { // each begins at once: who never says anything is told nothing
			all[i] = dial(t, g)
			all[i].send(drips[i%len(drips)].first)
		}
		late := make([]int, n)
		var reading sync.WaitGroup
		for i, c := range all {
			reading.Go(func() {
				status, _, err := c.answer()
				if err != nil {
					t.Errorf("drip %d: %v", i%len(drips), err)
				}
				late[i] = status
				c.close()
			})
		}
		told := make(chan struct{})
		go func() {
			reading.Wait()
			close(told)
		}()
		ticker := time.NewTicker(apart)
		defer ticker.Stop()
		for k := 0; ; k++ {
			for i, c := range all {
				if d := drips[i%len(drips)].drops; k < len(d) {
					_, _ = io.WriteString(c.conn, d[k:k+1]) // errors come with the answers
				}
			}
			select {
			case <-told:
				for i, status := range late {
					if status != 408 {
						t.Errorf("drip %d: status %d, want 408", i%len(drips), status)
					}
				}
				return
			case <-ticker.C:
			}
		}
	}
}

// TestDripFeeding: clients that send a byte now and then are told in the end that they take too long. Nobody else waits.
func TestDripFeeding(t *testing.T) {
	t.Parallel()
	attack{
		flags: []string{"--head-timeout", "2s", "--body-timeout", "2s", "--body-rate", "1000"},
		round: dripFeed(160, 50*time.Millisecond), rounds: 1,
		allowed: system.Allowance{Heap: 256 << 10, Private: 16 << 20, Worker: 1 << 20, Goroutines: 24},
	}.run(t)
}
