package bridge

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/ring/ringtest"
)

func startAsync(ctx context.Context, path string, startup envmap.Startup, opts ...Option) chan error {
	done := make(chan error, 1)
	go func() {
		done <- ServeStartup(ctx, startup, append([]Option{WithSocket(path), WithRelease("r1"), quiet()}, opts...)...)
	}()
	return done
}

// TestStartup: the application is built once, with what the gateway told, before the worker is ready; server.OnInit comes
// before the first request, server.OnDispose after the last.
func TestStartup(t *testing.T) {
	path := socketPath(t)
	g := listenGateway(t, path)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var steps []string // handlers run one at a time here, and Serve has returned when the test looks
	done := startAsync(ctx, path, func(b *envmap.Builder) (envmap.App, error) {
		p := b.Properties()
		want := []map[string]string{
			envmap.Address("http", "127.0.0.1", "8080", ""), envmap.Address("http", "::1", "81", ""),
			envmap.Address("unix", "", "", "/run/x.sock"),
		}
		if got := p.Addresses(); !reflect.DeepEqual(got, want) {
			t.Errorf("addresses %v, want %v", got, want)
		}
		p.OnInit(func(context.Context) error { steps = append(steps, "init"); return nil })
		p.OnDispose(func() { steps = append(steps, "dispose") })
		steps = append(steps, "startup")
		return b.Run(func(env envmap.Env) error {
			v, _ := env.Get(envmap.KeyCapabilities)
			if reflect.ValueOf(v).Pointer() != reflect.ValueOf(p.Capabilities()).Pointer() {
				t.Error("the request has other capabilities than the start-up")
			}
			steps = append(steps, "request")
			return env.Reply(200).Text("x")
		})
	})
	for round := range 2 { // a gateway that dies, and another one
		w := g.accept()
		w.addresses = []string{"http://127.0.0.1:8080", "http://[::1]:81", "unix:/run/x.sock"}
		w.attach(serveGeometry, nil)
		w.expect(typeReady)
		if a, err := w.lanes[0].Do(ringtest.Request{}); err != nil || a.Status != 200 {
			t.Fatalf("%+v %v", a, err)
		}
		if round == 0 {
			w.die()
			continue
		}
		cancel()
		w.expect(typeLeaving)
		w.send(message{Type: typeDrain})
	}
	if err := wait(t, done); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(steps, " "); got != "startup init request request dispose" {
		t.Errorf("steps: %s", got)
	}
}

// TestStartupFails: the worker never gets ready, and Serve says why.
func TestStartupFails(t *testing.T) {
	for name, startup := range map[string]envmap.Startup{
		"startup": func(*envmap.Builder) (envmap.App, error) { return nil, io.ErrNoProgress },
		"init": func(b *envmap.Builder) (envmap.App, error) {
			b.Properties().OnInit(func(context.Context) error { return io.ErrNoProgress })
			return b.Run(nil)
		},
	} {
		path := socketPath(t)
		g := listenGateway(t, path)
		done := startAsync(t.Context(), path, startup)
		w := g.accept()
		w.attach(serveGeometry, nil)
		if err := wait(t, done); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%s: %v", name, err)
		}
		if n, err := w.conn.Read(make([]byte, 64)); n > 0 || err == nil {
			t.Errorf("%s: the worker said something: %d bytes, %v", name, n, err)
		}
		w.die()
	}
}

// TestContextOfAFailure: it is cancelled when the application failed, not when it succeeded.
func TestContextOfAFailure(t *testing.T) {
	own := errors.New("own")
	for name, app := range map[string]func(envmap.Env) error{
		"":       func(env envmap.Env) error { return env.Reply(200).Text("x") },
		"error":  func(envmap.Env) error { return own },
		"panic":  func(envmap.Env) error { panic(own) },
		"abort":  func(env envmap.Env) error { _ = env.Flush(); return own },
		"status": func(env envmap.Env) error { return env.Set(envmap.KeyResponseStatusCode, 100) },
	} {
		kept := make(chan context.Context, 1)
		path := socketPath(t)
		g := listenGateway(t, path)
		ctx, cancel := context.WithCancel(context.Background())
		done := startAsync(ctx, path, func(b *envmap.Builder) (envmap.App, error) {
			return b.Run(func(env envmap.Env) error {
				kept <- env.Context()
				return app(env)
			})
		})
		w := g.accept()
		w.attach(serveGeometry, nil)
		w.expect(typeReady)
		_, _ = w.lanes[0].Do(ringtest.Request{}) // an answer, or a cut: other tests look at it
		if c := <-kept; (c.Err() != nil) != (name != "") {
			t.Errorf("%q: the context says %v, because of %v", name, c.Err(), context.Cause(c))
		}
		cancel()
		w.expect(typeLeaving)
		w.send(message{Type: typeDrain})
		if err := wait(t, done); err != nil {
			t.Error(err)
		}
	}
}
