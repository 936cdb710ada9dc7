package abuse

import (
	"io"
	"sync"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// neverRead asks n times for a large answer and reads nothing of it, until all are under way and then cut, or the clients leave.
func neverRead(n int, wait func(t *testing.T, g *system.Gateway)) func(t *testing.T, g *system.Gateway) {
	requests := []string{
		"GET /stream?n=1000000 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /bytes?n=50000000 HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	return func(t *testing.T, g *system.Gateway) {
		all := dialMany(t, g, n)
		for i, c := range all {
			_ = c.conn.SetReadBuffer(4096)
			c.send(requests[min(i%8, 1)])
		}
		for _, c := range all { // a byte of it is there
			if _, err := c.conn.Read(make([]byte, 1)); err != nil {
				t.Error(err)
			}
		}
		wait(t, g)
		for i, c := range all {
			if i%2 == 0 {
				c.reset()
			} else {
				c.close()
			}
		}
	}
}

// TestAnswersNeverRead: they are cut when their time is over.
func TestAnswersNeverRead(t *testing.T) {
	t.Parallel()
	const n, rounds = 60, 2
	done := 0
	attack{
		flags: []string{"--send-timeout", "1s", "--exchanges", "256", "--arena-size", "4MiB"}, rounds: rounds - 1,
		round: neverRead(n, func(t *testing.T, g *system.Gateway) {
			done += n
			system.Eventually(t, "all are cut", func() bool {
				l := g.Stats().Loops[0]
				return l.SendTimeouts+l.Cut == uint64(done)
			})
		}),
		// What is held aside comes and goes with the pressure, in pieces of up to 64 KiB.
		allowed: system.Allowance{Heap: 1 << 20, Private: 24 << 20, Worker: 2 << 20, Goroutines: 64},
	}.run(t)
}

// TestAnswersNeverReadUntilTheClientsLeave: the same clients, who leave when what they do not read is held aside, because
// others need the arena.
func TestAnswersNeverReadUntilTheClientsLeave(t *testing.T) {
	t.Parallel()
	held := uint64(0)
	attack{
		flags: []string{"--send-timeout", "1m", "--exchanges", "64", "--arena-size", "2MiB", "--queue-deadline", "10m"}, rounds: 1,
		round: neverRead(50, func(t *testing.T, g *system.Gateway) {
			system.Eventually(t, "answers are held aside", func() bool { return g.Stats().Loops[0].Evicted >= held+20 })
			held = g.Stats().Loops[0].Evicted
		}),
		allowed: system.Allowance{Heap: 512 << 10, Private: 24 << 20, Worker: 2 << 20, Goroutines: 64},
	}.run(t)
}

// unreadUploads sends n bodies to handlers that do not read them, and expects their answers.
func unreadUploads(n int, handler string) func(t *testing.T, g *system.Gateway) {
	return func(t *testing.T, g *system.Gateway) {
		together(t, g, n, n, func(i int, c *client) error {
			body, last := "a", ""
			head := "Content-Length: 4000000\r\n\r\n"
			if i%2 == 1 {
				head, body, last = chunked, "1000\r\n"+string(make([]byte, 0x1000))+"\r\n", "0\r\n\r\n"
			}
			go func() { // until the answer has come, and with it the end of the connection
				if _, err := io.WriteString(c.conn, post(handler, head)); err == nil && c.pour(body, 4_000_000/len(body)) == nil {
					_, _ = io.WriteString(c.conn, last)
				}
			}()
			status, _, err := c.answer()
			if err == nil && status != 200 {
				t.Errorf("status %d", status)
			}
			return err
		})
	}
}

// TestUploadsThatNobodyReads: they wait in their clients, and cost those who upload beside them nothing.
func TestUploadsThatNobodyReads(t *testing.T) {
	t.Parallel()
	attack{
		flags: []string{"--exchanges", "256", "--arena-size", "4MiB"}, rounds: 3,
		round:   unreadUploads(60, "/sleep?ms=300"),
		allowed: system.Allowance{Heap: 1 << 20, Private: 24 << 20, Worker: 2 << 20, Goroutines: 64},
	}.run(t)
}

// TestReadersInDrops: clients that read slowly, but do read, get everything.
func TestReadersInDrops(t *testing.T) {
	t.Parallel()
	const size = 400_000
	attack{rounds: 1, flags: []string{"--send-timeout", "30s"}, round: func(t *testing.T, g *system.Gateway) {
		all := dialMany(t, g, 40)
		var reading sync.WaitGroup
		for _, c := range all {
			_ = c.conn.SetReadBuffer(32 << 10)
			c.send("GET /bytes?n=400000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			reading.Go(func() {
				got, piece := 0, make([]byte, 8<<10)
				for {
					n, err := c.conn.Read(piece)
					got += n
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Error(err)
						break
					}
					time.Sleep(5 * time.Millisecond) // the client is slow
				}
				if got < size {
					t.Errorf("%d of %d bytes", got, size)
				}
				c.close()
			})
		}
		reading.Wait()
	}}.run(t)
}
