package bridge

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"ringway/ring/ringtest"
)

// namesOne tells whether a hello names a gateway that the worker is attached to, and no other but one whose end the worker may
// not have seen yet.
func namesOne(hello message) bool {
	for _, pid := range hello.Beside {
		if pid != os.Getpid() {
			return false
		}
	}
	return len(hello.Beside) == 1 || len(hello.Beside) == 2
}

// attachBeside asks the worker of one session for another one.
func attachBeside(g *fakeGateway, w *fakeWorker) *fakeWorker {
	g.t.Helper()
	w.send(message{Type: typeReattach})
	next := g.accept()
	if !next.hello.Reattach || !namesOne(next.hello) {
		g.t.Fatalf("hello %+v, want one that names the gateway it is attached to", next.hello)
	}
	next.attach(serveGeometry, nil)
	next.expect(typeReady)
	return next
}

func stillServes(t *testing.T, done chan error) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("Serve returned: %v", err)
	default:
	}
}

// Both sessions serve at a time; the first one's end, by drain, is not that of the worker.
func TestServeTwoGateways(t *testing.T) {
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
	first := g.accept()
	if !first.hello.Reattach || len(first.hello.Beside) != 0 {
		t.Fatalf("hello %+v", first.hello)
	}
	first.attach(serveGeometry, nil)
	first.expect(typeReady)
	slow := first.lanes[0].Start(ringtest.Request{Target: "/slow"})
	second := attachBeside(g, first)
	askAll(t, second)
	askAll(t, first)
	first.send(message{Type: typeDrain})
	askAll(t, second)
	stillServes(t, done)
	close(release)
	if a, err := slow.Wait(); err != nil || a.Status != 200 {
		t.Fatalf("%+v %v", a, err)
	}
	first.expectEnd()
	askAll(t, second)
	// And once more, as in the next upgrade.
	third := attachBeside(g, second)
	second.send(message{Type: typeDrain})
	second.expectEnd()
	askAll(t, third)
	stillServes(t, done)
	third.send(message{Type: typeDrain})
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
}

// expectEnd waits until the worker has closed the control socket.
func (w *fakeWorker) expectEnd() {
	w.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := w.conn.Read(make([]byte, maxPacket)); err == nil && n > 0 {
		w.t.Fatal("the worker has sent something, want its end")
	}
}

// Of a second gateway that ends, or refuses the worker, the first one's session knows nothing, and there is no third try.
func TestServeLosesTheSecondGateway(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := serveAsync(ctx, path, hello, WithReattach(true))
	first := g.accept()
	first.attach(serveGeometry, nil)
	first.expect(typeReady)
	second := attachBeside(g, first)
	askAll(t, second)
	second.die()
	askAll(t, first)
	first.send(message{Type: typeReattach})
	refused := g.accept()
	if !namesOne(refused.hello) {
		t.Errorf("hello %+v, want the first gateway alone in it", refused.hello)
	}
	refused.send(message{Type: typeRefuse, Error: "layout version is 1, want 2"})
	refused.expectEnd()
	askAll(t, first)
	stillServes(t, done)
	_ = g.listener.SetDeadline(time.Now().Add(3 * firstBackoff))
	if _, err := g.listener.AcceptUnix(); err == nil {
		t.Error("the worker attaches again although it is attached")
	}
	cancel()
	first.expect(typeLeaving)
	first.send(message{Type: typeDrain})
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
}

// All gateways hear that the worker leaves, and each lets it go.
func TestServeLeavesTwoGateways(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	done := serveAsync(ctx, path, hello)
	first := g.accept()
	first.attach(serveGeometry, nil)
	first.expect(typeReady)
	second := attachBeside(g, first)
	cancel()
	first.expect(typeLeaving)
	second.expect(typeLeaving)
	askAll(t, first)
	askAll(t, second)
	second.send(message{Type: typeDrain})
	second.expectEnd()
	stillServes(t, done)
	askAll(t, first)
	first.send(message{Type: typeDrain})
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
}

// The old gateway goes while the next one has not accepted yet: the worker waits for it, and looks for one when it ends.
func TestServeIsLeftByTheFirstGatewayBeforeTheSecondAccepts(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := serveAsync(ctx, path, hello, WithReattach(true))
	first := g.accept()
	first.attach(serveGeometry, nil)
	first.expect(typeReady)
	first.send(message{Type: typeReattach})
	second := g.accept()
	first.send(message{Type: typeDrain})
	first.expectEnd()
	stillServes(t, done)
	second.die()
	third := g.accept()
	if len(third.hello.Beside) != 0 {
		t.Errorf("hello %+v, want one of a worker that is attached to none", third.hello)
	}
	third.attach(serveGeometry, nil)
	third.expect(typeReady)
	askAll(t, third)
	cancel()
	third.expect(typeLeaving)
	third.die()
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
}

// The ends of two sessions are heard of in any order; a worker whose next gateway is lost looks for one although the one before
// has let it go.
func TestEndsOfSessionsInAnyOrder(t *testing.T) {
	lost := errors.New("the gateway is gone")
	for _, test := range []struct {
		name  string
		letGo bool // the first one, when the second ends
		order []error
		want  error
	}{
		{"the first, then the second is lost", true, []error{nil, lost}, lost},
		{"the second is lost, then the first", true, []error{lost, nil}, lost},
		{"the second was lost before", false, []error{lost, nil}, nil},
		{"both let it go", true, []error{nil, nil}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, second := &session{}, &session{}
			first.letGo.Store(test.letGo)
			s := &sessions{live: map[*session]bool{first: true, second: true}}
			ends := []*session{first, second}
			if test.order[0] == lost {
				ends = []*session{second, first}
			}
			for i, over := range ends {
				over.err = test.order[i]
				last, err := s.end(over)
				if last != (i == 1) || last && err != test.want {
					t.Errorf("end %d: last %v, error %v, want %v", i+1, last, err, test.want)
				}
			}
		})
	}
}

// A gateway cannot make a worker attach without end.
func TestServeBoundsItsSessions(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := serveAsync(ctx, path, hello)
	all := []*fakeWorker{g.accept()}
	all[0].attach(serveGeometry, nil)
	all[0].expect(typeReady)
	for range maxSessions - 1 {
		all[0].send(message{Type: typeReattach})
		w := g.accept()
		w.attach(serveGeometry, nil)
		w.expect(typeReady)
		all = append(all, w)
	}
	all[0].send(message{Type: typeReattach})
	askAll(t, all[0])
	_ = g.listener.SetDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := g.listener.AcceptUnix(); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("%v, want no more than %d sessions", err, maxSessions)
	}
	for _, w := range all {
		w.send(message{Type: typeDrain})
		w.expectEnd()
	}
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
}
