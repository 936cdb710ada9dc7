package bridge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"

	"ringway/ring"
	"ringway/ring/ringtest"
)

func TestCancelReachesTheHandler(t *testing.T) {
	for _, c := range []struct {
		reason  uint16
		cause   error
		answers bool
	}{
		{ring.CancelGone, ErrClientGone, false}, {ring.CancelHalfClosed, ErrHalfClosed, true}, {ring.CancelDeadline, ErrDeadline, false},
		{ring.CancelStopping, ErrStopping, false}, {ring.CancelRejected, ErrRejected, false},
	} {
		started, cause := make(chan struct{}), make(chan error, 1)
		x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
			close(started)
			before := runtime.NumGoroutine()
			ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
			defer cancel()
			if n := runtime.NumGoroutine(); n > before {
				t.Errorf("a child context started %d goroutines", n-before)
			}
			<-ctx.Done()
			cause <- context.Cause(ctx)
			if r.Context().Err() != context.Canceled || context.Cause(r.Context()) != c.cause {
				t.Errorf("err %v, cause %v", r.Context().Err(), context.Cause(r.Context()))
			}
			_, _ = io.WriteString(w, "late answer")
		}), nil)
		ex := x.Start(ringtest.Request{})
		<-started
		ex.Cancel(c.reason)
		if got := <-cause; got != c.cause {
			t.Errorf("cause %v, want %v", got, c.cause)
		}
		a, err := ex.Wait()
		if err != nil || a.Aborted == c.answers {
			t.Errorf("reason %d: %+v %v", c.reason, a, err)
		}
		x.settled(t)
	}
}

// A body that will never come in full fails after what had come.
func TestCancelEndsTheBody(t *testing.T) {
	got := make(chan error, 1)
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if string(b) != "part" {
			err = errors.New("body " + string(b))
		}
		got <- err
	}), nil)
	ex := x.Start(ringtest.Request{Method: "POST", Stream: true, Length: 100})
	ex.Send([]byte("part"))
	eventually(t, "the handler has started", func() bool {
		x.lane.lock()
		defer x.lane.unlock()
		return x.lane.running == 1
	})
	ex.Cancel(ring.CancelGone)
	if err := <-got; !errors.Is(err, ErrClientGone) {
		t.Errorf("got %v", err)
	}
	x.settled(t)
}

func TestContextBeforeAndAfter(t *testing.T) {
	c := &requestContext{worker: &worker{}}
	if c.Err() != nil || context.Cause(c) != nil || c.Value("x") != nil || c.inner != nil {
		t.Error("a fresh context is not plain")
	}
	stopped := make(chan struct{})
	context.AfterFunc(c, func() { close(stopped) })
	c.cancel(ErrDeadline)
	c.cancel(ErrClientGone)
	<-stopped
	if c.Err() != context.Canceled || context.Cause(c) != ErrDeadline {
		t.Errorf("%v %v", c.Err(), context.Cause(c))
	}
	c = &requestContext{}
	c.cancel(ErrStopping)
	if context.Cause(c) != ErrStopping {
		t.Errorf("cause %v of a context that nobody watched", context.Cause(c))
	}
	select {
	case <-c.Done():
	default:
		t.Error("not done")
	}
}
