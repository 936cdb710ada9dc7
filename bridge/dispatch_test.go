package bridge

import (
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"ringway/ring"
	"ringway/ring/ringtest"
)

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// gate is a handler that counts how many of it wait for its end.
type gate struct {
	open    chan struct{}
	waiting atomic.Int64
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/wait" {
		g.waiting.Add(1)
		<-g.open
	}
	hello.ServeHTTP(w, r)
}

// Handlers that block do not stop others, up to the limit; beyond it requests wait, and cancels still get through.
func TestAutoWithBlockedHandlers(t *testing.T) {
	t.Run("guarded", func(t *testing.T) { testAutoWithBlockedHandlers(t, guardFor) })
	t.Run("exposed", func(t *testing.T) { testAutoWithBlockedHandlers(t, 0) })
}

func testAutoWithBlockedHandlers(t *testing.T, guard int) {
	g := &gate{open: make(chan struct{})}
	x := newHarness(t, testGeometry, g, nil, WithMaxHandlers(20))
	x.lane.lock()
	x.lane.guard = guard
	x.lane.unlock()
	var all []*ringtest.Exchange
	for range 19 {
		all = append(all, x.Start(ringtest.Request{Target: "/wait"}))
	}
	eventually(t, "19 handlers wait", func() bool { return g.waiting.Load() == 19 })
	for range 50 {
		if a := x.do(t, ringtest.Request{}); a.Status != 200 {
			t.Fatal(a)
		}
	}
	all = append(all, x.Start(ringtest.Request{Target: "/wait"}))
	eventually(t, "20 handlers wait", func() bool { return g.waiting.Load() == 20 })
	queued := x.Start(ringtest.Request{Method: "POST", Stream: true, Length: -1})
	queued.Send(make([]byte, 3000)) // its body is taken in while it waits
	dropped := x.Start(ringtest.Request{})
	eventually(t, "two requests are queued", func() bool {
		x.lane.lock()
		defer x.lane.unlock()
		return x.lane.queue.first != nil && x.lane.queue.first != x.lane.queue.last
	})
	if !dropped.Cancel(ring.CancelDeadline) {
		t.Error("a queued request was not taken back")
	}
	eventually(t, "the cancelled request left the queue", func() bool {
		x.lane.lock()
		defer x.lane.unlock()
		return x.lane.queue.first == x.lane.queue.last
	})
	if queued.Ended() {
		t.Error("a request ran beyond the limit")
	}
	close(g.open)
	for _, ex := range append(all, queued) {
		if a, err := ex.Wait(); err != nil || a.Status != 200 {
			t.Fatal(a, err)
		}
	}
	x.settled(t)
	eventually(t, "readers without work end", func() bool {
		x.lane.lock()
		defer x.lane.unlock()
		return x.lane.readers <= keepIdle+1
	})
}

// A handler that runs exposed and blocks is noticed, also when the watch has gone to sleep before.
func TestExposedHandlerIsWatched(t *testing.T) {
	for _, rest := range []time.Duration{0, 3 * watchIdle * watchTick} {
		g := &gate{open: make(chan struct{})}
		x := newHarness(t, testGeometry, g, nil)
		for range 3 {
			x.lane.lock()
			x.lane.guard = 0
			x.lane.unlock()
			for range 10 {
				x.do(t, ringtest.Request{})
			}
			time.Sleep(rest)
			blocked := x.Start(ringtest.Request{Target: "/wait"})
			eventually(t, "the handler blocks", func() bool { return g.waiting.Load() == 1 })
			x.do(t, ringtest.Request{})
			g.waiting.Store(0)
			g.open <- struct{}{}
			if a, err := blocked.Wait(); err != nil || a.Status != 200 {
				t.Fatal(a, err)
			}
		}
		x.settled(t)
	}
}

// With every handler of a pool busy, the body they wait for still arrives.
func TestBodyWhileFull(t *testing.T) {
	for _, d := range []Dispatch{Inline, Pool(1), Auto} {
		t.Run(d.String(), func(t *testing.T) {
			x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }), nil,
				WithDispatch(d), WithMaxHandlers(1))
			first := x.Start(ringtest.Request{Method: "POST", Stream: true, Length: -1})
			var others []*ringtest.Exchange
			for range 10 {
				others = append(others, x.Start(ringtest.Request{Method: "POST", Body: []byte("other")}))
			}
			time.Sleep(10 * time.Millisecond)
			first.Send([]byte("one "))
			time.Sleep(5 * time.Millisecond)
			first.Send([]byte("two"))
			first.End()
			if a, err := first.Wait(); err != nil || string(a.Body) != "one two" {
				t.Fatal(a, err)
			}
			for _, ex := range others {
				if a, err := ex.Wait(); err != nil || string(a.Body) != "other" {
					t.Fatal(a, err)
				}
			}
			x.settled(t)
		})
	}
}

// An inline handler that leaves a goroutine behind, reading the body: the lane goes on.
func TestInlineReaderLeftBehind(t *testing.T) {
	reading := make(chan struct{})
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			go func() {
				close(reading)
				_, _ = io.ReadAll(r.Body)
			}()
			<-reading
			time.Sleep(5 * time.Millisecond)
		}
		hello.ServeHTTP(w, r)
	}), nil, WithDispatch(Inline))
	ex := x.Start(ringtest.Request{Method: "POST", Stream: true, Length: -1})
	if _, err := ex.Wait(); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		x.do(t, ringtest.Request{})
	}
	x.settled(t)
}

func TestPoolRunsNoMoreThanItsSize(t *testing.T) {
	var now, most atomic.Int64
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(time.Millisecond)
		now.Add(-1)
	}), nil, WithDispatch(Pool(3)))
	var all []*ringtest.Exchange
	for range 40 {
		all = append(all, x.Start(ringtest.Request{}))
	}
	for _, ex := range all {
		if _, err := ex.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if most.Load() > 3 {
		t.Errorf("%d handlers at once, want at most 3", most.Load())
	}
	x.settled(t)
}

// Writers park when the outbound ring is full or the arena is lent, and go on when there is room.
func TestFullRingAndArena(t *testing.T) {
	small := ring.Geometry{Lanes: 1, RingSlots: 16, ExchangeSlots: 4, ArenaUnits: 64}
	for _, d := range []Dispatch{Auto, Inline, Pool(2)} {
		for name, stop := range map[string]func(*harness, bool){"ring": (*harness).hold, "arena": (*harness).keepBlocks} {
			t.Run(d.String()+"/"+name, func(t *testing.T) {
				var chunks atomic.Int64
				x := newHarness(t, small, handle(func(w http.ResponseWriter, r *http.Request) {
					for range 100 {
						_, _ = w.Write(make([]byte, 700))
						if http.NewResponseController(w).Flush() != nil {
							t.Error("flush failed")
						}
						chunks.Add(1)
					}
				}), nil, WithDispatch(d))
				x.Window = 1 << 20
				stop(x, true)
				var all []*ringtest.Exchange
				for range 3 {
					all = append(all, x.Start(ringtest.Request{}))
				}
				last := int64(-1)
				eventually(t, "the writers stop", func() bool {
					time.Sleep(20 * time.Millisecond)
					now := chunks.Load()
					stopped := now == last && now > 0
					last = now
					return stopped
				})
				if last > 64 {
					t.Errorf("%d chunks were written into a full lane", last)
				}
				stop(x, false)
				for _, ex := range all {
					if a, err := ex.Wait(); err != nil || len(a.Body) != 70_000 || a.Aborted {
						t.Fatal(len(a.Body), a.Aborted, err)
					}
				}
				x.settled(t)
			})
		}
	}
}

func (x *harness) hold(on bool)       { x.Hold(on) }
func (x *harness) keepBlocks(on bool) { x.Keep(on) }

// A handler that ends its goroutine costs its exchange, and no reader.
func TestGoexit(t *testing.T) {
	for _, d := range []Dispatch{Auto, Inline, Pool(1)} {
		x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/exit" {
				runtime.Goexit()
			}
			hello.ServeHTTP(w, r)
		}), nil, WithDispatch(d), WithMaxHandlers(2))
		for range 5 {
			if a := x.do(t, ringtest.Request{Target: "/exit"}); !a.Aborted || a.Abort != 500 {
				t.Errorf("%+v", a)
			}
			if a := x.do(t, ringtest.Request{}); a.Status != 200 {
				t.Errorf("%+v", a)
			}
		}
		x.settled(t)
	}
}

// Exactly one of claim and cancel wins.
func TestCancelRaces(t *testing.T) {
	var ran atomic.Int64
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) { ran.Add(1) }), nil)
	taken := 0
	const n = 400
	for i := range n {
		ex := x.Start(ringtest.Request{})
		if i%3 == 0 {
			runtime.Gosched()
		}
		if ex.Cancel(ring.CancelGone) {
			taken++
			continue
		}
		if _, err := ex.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	x.settled(t)
	if int(ran.Load())+taken != n {
		t.Errorf("%d ran and %d were taken back of %d", ran.Load(), taken, n)
	}
}
