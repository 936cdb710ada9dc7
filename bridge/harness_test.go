package bridge

import (
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"ringway/envmap"
	"ringway/ring"
	"ringway/ring/ringtest"
)

// harness is a worker with one lane on heap memory, and the gateway that plays with it.
type harness struct {
	*ringtest.Gateway
	worker *worker
	att    *attachment
	lane   *lane
}

var testGeometry = ring.Geometry{Lanes: 1, RingSlots: 256, ExchangeSlots: 64, ArenaUnits: 1024}

func quiet() Option { return WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))) }

func newHarness(t testing.TB, g ring.Geometry, h http.Handler, app envmap.App, opts ...Option) *harness {
	t.Helper()
	opts = append([]Option{WithRelease("test"), quiet()}, opts...)
	var env *envmap.Runner
	if app != nil {
		env = envmap.NewRunner(app)
	}
	w := newWorker(newOptions(opts), h, env)
	lane, end := ringtest.HeapPair(g)
	gatewaySocket, workerSocket, err := ringtest.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	att := newAttachment(w)
	att.reasons = true
	att.add(end, workerSocket, 1)
	att.start()
	x := &harness{ringtest.NewGateway(lane, gatewaySocket), w, att, att.lanes[0]}
	t.Cleanup(func() {
		_ = x.Close()
		att.fail(ErrGatewayGone)
		done := make(chan struct{})
		go func() { att.users.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Error("readers did not end")
		}
		if t.Failed() {
			return
		}
		if err := x.Err(); err != nil {
			t.Errorf("the worker broke a rule: %v", err)
		}
	})
	return x
}

// settled checks that everything came back.
func (x *harness) settled(t testing.TB) {
	t.Helper()
	timer := time.AfterFunc(10*time.Second, func() { panic("exchanges or blocks did not come back") })
	defer timer.Stop()
	if err := x.Settled(); err != nil {
		t.Fatal(err)
	}
	x.lane.lock()
	defer x.lane.unlock()
	x.lane.ring.DrainReturns()
	if n := x.lane.ring.Arena().InUse(); n != 0 {
		t.Fatalf("%d units of the outbound arena are still in use", n)
	}
	if x.lane.active != 0 {
		t.Fatalf("%d exchanges are still bound", x.lane.active)
	}
}

// do is one exchange.
func (x *harness) do(t testing.TB, r ringtest.Request) ringtest.Answer {
	t.Helper()
	a, err := x.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func handle(f func(w http.ResponseWriter, r *http.Request)) http.Handler { return http.HandlerFunc(f) }
