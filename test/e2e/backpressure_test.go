package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ringway/internal/engine"
	"ringway/test/e2e/system"
)

// held begins uploads that are in a handler until they are finished.
func held(t *testing.T, g *system.Gateway, n int) (finish func()) {
	t.Helper()
	var all []*raw
	for range n {
		r := dial(t, g)
		r.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfirst")
		all = append(all, r)
	}
	return func() {
		for i, r := range all {
			r.send("%05d", i)
			if answer, body := r.answer("POST"); answer.StatusCode != 200 || body != fmt.Sprintf("first%05d", i) {
				t.Errorf("%d: %s %q", i, answer.Status, body)
			}
		}
	}
}

// TestNoSlotFree: requests beyond the exchange slots wait without loss, and are served when slots become free.
func TestNoSlotFree(t *testing.T) {
	t.Parallel()
	for _, dispatch := range []string{"auto", "pool"} {
		t.Run(dispatch, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{
				Supervised: true, Worker: []string{"--dispatch", dispatch, "--pool", "2"},
				Flags: []string{"--exchanges", "16", "--ring-slots", "64", "--queue-deadline", "10m"},
			})
			first := held(t, g, 16)
			system.Eventually(t, "all slots taken", func() bool { return g.Stats().Lanes[0].InFlight == 16 })
			second := held(t, g, 24)
			system.Eventually(t, "24 parked", func() bool { return g.Stats().Loops[0].Parked == 24 })
			if n := g.Stats().Lanes[0].InFlight; n != 16 {
				t.Errorf("%d in flight", n)
			}
			first()
			second()
			if loop := g.Stats().Loops[0]; loop.ParkRefused+loop.Expired != 0 || loop.Answers["2xx"] != 40 {
				t.Errorf("refused %d, expired %d, answers %v", loop.ParkRefused, loop.Expired, loop.Answers)
			}
			g.WaitIdle()
			g.Stop()
		})
	}
}

// TestFrozenWorker: while a worker does not read its ring, the ring or the arena fills up and clients are held back;
// afterwards everything arrives whole.
func TestFrozenWorker(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, piece, arena string
		full               func(l engine.LaneStats) bool
	}{
		{"ring", patternAlphabet, "8MiB", func(l engine.LaneStats) bool { return l.FullStalls > 0 && l.Depth >= 16 }},
		{"arena", strings.Repeat(patternAlphabet, 512), "256KiB", func(l engine.LaneStats) bool { return l.ArenaBytesInUse >= 192<<10 }},
	} {
		for _, dispatch := range []string{"auto", "inline", "pool"} {
			t.Run(test.name+"-"+dispatch, func(t *testing.T) {
				t.Parallel()
				g := system.StartGateway(t, system.Options{
					Supervised: true, Worker: []string{"--dispatch", dispatch, "--pool", "4"},
					Flags: []string{"--exchanges", "16", "--ring-slots", "64", "--arena-size", test.arena, "--queue-deadline", "10m"},
				})
				pid := g.Stats().Workers[0].Pid
				if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				var full atomic.Bool
				var all sync.WaitGroup
				for range 12 {
					r := dial(t, g)
					_ = r.conn.SetDeadline(time.Now().Add(3 * system.Patience))
					var sent atomic.Int64
					all.Go(func() {
						_, err := io.WriteString(r.conn, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
						for err == nil && !full.Load() {
							_, err = fmt.Fprintf(r.conn, "%x\r\n%s\r\n", len(test.piece), test.piece)
							sent.Add(int64(len(test.piece)))
						}
						if err == nil {
							_, err = io.WriteString(r.conn, "0\r\n\r\n")
						}
						if err != nil {
							t.Error(err)
						}
					})
					all.Go(func() {
						answer, err := http.ReadResponse(r.in, nil)
						if err != nil {
							t.Error(err)
							return
						}
						body, err := io.ReadAll(answer.Body)
						if err != nil || answer.StatusCode != 200 || int64(len(body)) != sent.Load() || !isPattern(body) {
							t.Errorf("%s, %d bytes of %d, pattern %v, %v", answer.Status, len(body), sent.Load(), isPattern(body), err)
						}
					})
				}
				system.Eventually(t, test.name+" is full", func() bool { return test.full(g.Stats().Lanes[0]) })
				full.Store(true)
				if lane := g.Stats().Lanes[0]; lane.ArenaBytesInUse > lane.ArenaBytes || lane.Completed != 0 {
					t.Errorf("%+v", lane)
				}
				if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				all.Wait()
				g.WaitIdle()
				if loop := g.Stats().Loops[0]; loop.Violations+loop.Cut+loop.Evicted != 0 {
					t.Errorf("%+v", loop)
				}
				g.Stop()
			})
		}
	}
}
