package bridge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringway/ring"
	"ringway/ring/ringtest"
)

var serveGeometry = ring.Geometry{Lanes: 2, RingSlots: 64, ExchangeSlots: 16, ArenaUnits: 256}

func serveAsync(ctx context.Context, path string, h http.Handler, opts ...Option) chan error {
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, h, append([]Option{WithSocket(path), WithRelease("r1"), quiet()}, opts...)...)
	}()
	return done
}

func wait(t *testing.T, done chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("Serve did not return")
		return nil
	}
}

func askAll(t *testing.T, w *fakeWorker) {
	t.Helper()
	for _, l := range w.lanes {
		for range 5 {
			a, err := l.Do(ringtest.Request{})
			if err != nil || a.Status != 200 || string(a.Body) != "Hello, World!" {
				t.Fatalf("%+v %v", a, err)
			}
		}
	}
}

func TestServeLeavesAfterDrain(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	release := make(chan struct{})
	done := serveAsync(ctx, path, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-release
		}
		hello.ServeHTTP(w, r)
	}))
	w := g.accept()
	if w.hello.Protocol != 1 || w.hello.Layout != ring.LayoutVersion || w.hello.Release != "r1" || w.hello.PID == 0 || w.hello.Program == "" {
		t.Fatalf("hello %+v", w.hello)
	}
	w.attach(serveGeometry, nil)
	w.expect(typeReady)
	askAll(t, w)
	slow := w.lanes[1].Start(ringtest.Request{Target: "/slow"})
	cancel()
	w.expect(typeLeaving)
	askAll(t, w) // it serves until the gateway lets it go
	w.send(message{Type: typeDrain})
	select {
	case err := <-done:
		t.Fatalf("Serve returned with a request running: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if a, err := slow.Wait(); err != nil || a.Status != 200 {
		t.Fatalf("%+v %v", a, err)
	}
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
}

func TestServeAttachesAgain(t *testing.T) {
	path := socketPath(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	causes := make(chan error, 1)
	done := serveAsync(ctx, path, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
			_, err := io.WriteString(w, strings.Repeat("x", 100000))
			causes <- errors.Join(context.Cause(r.Context()), err)
			return
		}
		hello.ServeHTTP(w, r)
	}), WithReattach(true))
	time.Sleep(20 * time.Millisecond) // the gateway is not there yet
	g := listenGateway(t, path)
	w := g.accept()
	w.attach(serveGeometry, nil)
	w.expect(typeReady)
	askAll(t, w)
	_ = w.lanes[0].Start(ringtest.Request{Target: "/wait"})
	time.Sleep(20 * time.Millisecond)
	w.die()
	select {
	case err := <-causes:
		if !errors.Is(err, ErrGatewayGone) {
			t.Errorf("cause %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the running handler was not cancelled")
	}
	w = g.accept()
	w.attach(serveGeometry, nil)
	w.expect(typeReady)
	askAll(t, w)
	cancel()
	w.expect(typeLeaving)
	w.die() // it is let go by the end of the gateway, too
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
}

func TestServeSupervisedEndsWithItsGateway(t *testing.T) {
	t.Setenv("RINGWAY_SUPERVISED", "1")
	path := socketPath(t)
	g := listenGateway(t, path)
	done := serveAsync(context.Background(), path, hello)
	w := g.accept()
	w.attach(serveGeometry, nil)
	w.expect(typeReady)
	w.die()
	if err := wait(t, done); !errors.Is(err, ErrGatewayGone) {
		t.Fatalf("got %v", err)
	}
}

func TestServeRefused(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	done := serveAsync(context.Background(), path, hello, WithReattach(true))
	w := g.accept()
	w.send(message{Type: typeRefuse, Error: "layout version is 1, want 2"})
	if err := wait(t, done); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "layout version is 1, want 2") {
		t.Fatalf("got %v", err)
	}
}

func TestServeWrongSegment(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	done := serveAsync(context.Background(), path, hello, WithReattach(true))
	w := g.accept()
	w.attach(serveGeometry, func(s *ring.Segments) { s.Inbound[8] = 9 })
	if err := wait(t, done); !errors.Is(err, ring.ErrLayout) || !strings.Contains(err.Error(), "layout version is 9, want 2") {
		t.Fatalf("got %v", err)
	}
}

// A gateway that breaks the protocol is left; the worker does not fall with it.
func TestServeBrokenGateway(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	done := serveAsync(context.Background(), path, hello, WithReattach(false))
	w := g.accept()
	w.attach(serveGeometry, nil)
	w.expect(typeReady)
	lane := w.lanes[0].Lane
	lane.InTail.Store(1000)
	w.lanes[0].Signal()
	if err := wait(t, done); !errors.Is(err, ring.ErrFault) || !strings.Contains(err.Error(), "in_tail is 1000, want 0 to 64") {
		t.Fatalf("got %v", err)
	}
}

// TestALaneThatHasEndedIsLeftAsItIs: the gateway may still give its requests to others, from the blocks that are lent, and takes
// what it finds in the ring for answers. That handlers give up when they are told of the end is none.
func TestALaneThatHasEndedIsLeftAsItIs(t *testing.T) {
	begun := make(chan struct{})
	x := newHarness(t, testGeometry, handle(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}), nil)
	x.Start(ringtest.Request{Method: "POST", Body: []byte("kept")})
	<-begun
	_ = x.Close()
	x.att.fail(ErrGatewayGone)
	x.att.users.Wait()
	if events, returns := x.Lane.OutTail.Load(), x.Lane.InReturnTail.Load(); events != 0 || returns != 0 {
		t.Errorf("%d events and %d returned blocks, expected none", events, returns)
	}
}
