package envmap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

var offering = envtest.Request{Upgrade: true, Fields: []envmap.Field{{Name: "Connection", Value: "Upgrade"}, {Name: "Upgrade", Value: "test"}}}

// TestUpgrade: 101 at once, and the callback runs after the App has returned, with a new environment.
func TestUpgrade(t *testing.T) {
	returned, done := make(chan struct{}), make(chan struct{})
	x := inside(t, offering, func(env envmap.Env) {
		v, ok := env.Get(envmap.KeyOpaqueUpgrade)
		equal(t, "there", ok, true)
		err := v.(envmap.Upgrade)(map[string]any{}, func(now map[string]any) error {
			defer close(done)
			<-returned
			equal(t, "keys", len(now), 3)
			equal(t, "version", now[envmap.KeyOpaqueVersion], any("1.0"))
			equal(t, "cancelled", now[envmap.KeyOpaqueCallCancelled].(context.Context).Err(), nil)
			equal(t, "the old environment", env.Method(), "")
			stream := now[envmap.KeyOpaqueStream].(envmap.Stream)
			b := make([]byte, 4)
			if _, err := io.ReadFull(stream, b); err != nil || string(b) != "ping" {
				t.Errorf("%q, %v", b, err)
			}
			_, err := io.WriteString(stream, "pong")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		status, _ := env.Get(envmap.KeyResponseStatusCode)
		equal(t, "status at once", status, any(101))
		_ = env.SetHeader("X-Own", "1")
		_ = env.OnSendingHeaders(func() { _ = env.SetHeader("X-Sending", "2") })
		if err := env.Upgrade(nil, func(map[string]any) error { return nil }); err == nil {
			t.Error("a second Upgrade is accepted")
		}
		if _, err := env.WriteString("x"); !errors.Is(err, envmap.ErrBodyNotAllowed) {
			t.Errorf("write: %v", err)
		}
		if err := env.Flush(); err != nil {
			t.Errorf("flush: %v", err)
		}
	})
	close(returned)
	equal(t, "status", x.Status, 101)
	equal(t, "fields", x.Header("X-Own")+x.Header("X-Sending")+x.Header("Upgrade"), "12test")
	go func() { _, _ = io.WriteString(x.Peer, "ping") }()
	answer, err := io.ReadAll(x.Peer) // the stream is closed behind the callback
	if string(answer) != "pong" || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
	<-done
}

func TestUpgradeNamesItsProtocol(t *testing.T) {
	for own, want := range map[string]string{"": "test", "other": "other"} {
		x := inside(t, offering, func(env envmap.Env) {
			if own != "" {
				_ = env.SetHeader("upgrade", own)
			}
			_ = env.Upgrade(nil, func(map[string]any) error { return nil })
		})
		equal(t, "Upgrade", x.Header("Upgrade"), want)
	}
}

// TestUpgradeRefused: it is an error to the application where nothing is offered, and after the head was sealed.
func TestUpgradeRefused(t *testing.T) {
	never := func(map[string]any) error { t.Error("the callback ran"); return nil }
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		equal(t, "there", env.Has(envmap.KeyOpaqueUpgrade), false)
		equal(t, "not offered", env.Upgrade(nil, never), envmap.ErrUpgrade)
	})
	equal(t, "status", x.Status, 200)
	x = inside(t, offering, func(env envmap.Env) {
		_, _ = env.WriteString("x")
		equal(t, "sealed", env.Upgrade(nil, never), envmap.ErrSealed)
	})
	equal(t, "status", x.Status, 200)
	inside(t, offering, func(env envmap.Env) {
		if env.Upgrade(nil, nil) == nil {
			t.Error("no callback, and no error")
		}
	})
	x, err := envtest.Do(func(env envmap.Env) error { return env.SetStatus(101) }, offering)
	if err == nil || x.Status != 500 {
		t.Errorf("101 without Upgrade: %d, %v", x.Status, err)
	}
}

// TestUpgradeGivenUp: where the callback will not run, the context is cancelled.
func TestUpgradeGivenUp(t *testing.T) {
	own := errors.New("own")
	for name, c := range map[string]struct {
		app    envmap.App
		status int
	}{
		"error":        {func(envmap.Env) error { return own }, 500},
		"panic":        {func(envmap.Env) error { panic(own) }, 500},
		"other status": {func(env envmap.Env) error { return env.SetStatus(404) }, 404},
		"other answer": {func(env envmap.Env) error { return env.Reply(403).Text("no") }, 403},
		"deleted":      {func(env envmap.Env) error { env.Delete(envmap.KeyResponseStatusCode); return nil }, 200},
		"wrong status": {func(env envmap.Env) error { return env.Set(envmap.KeyResponseStatusCode, "101") }, 500},
	} {
		x, _ := envtest.Do(func(env envmap.Env) error {
			if err := env.Upgrade(nil, func(map[string]any) error { t.Errorf("%s: the callback ran", name); return nil }); err != nil {
				t.Error(err)
			}
			return c.app(env)
		}, offering)
		equal(t, name+": status", x.Status, c.status)
		equal(t, name+": cancelled", x.Cancel != nil, true)
	}
}

// trace is a host.TraceOutput that tells when it was written to.
type trace struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{}
}

func (w *trace) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer close(w.written)
	return w.text.Write(p)
}

func TestUpgradeCallbackFails(t *testing.T) {
	for name, c := range map[string]struct {
		fail func() error
		told string
	}{
		"error":  {func() error { return io.ErrNoProgress }, io.ErrNoProgress.Error()},
		"panic":  {func() error { panic(io.ErrNoProgress) }, io.ErrNoProgress.Error()},
		"Goexit": {func() error { runtime.Goexit(); return nil }, "ended its goroutine"},
	} {
		out := &trace{written: make(chan struct{})}
		x := envtest.NewExchange(t.Context(), offering)
		err := envmap.NewRunner(func(env envmap.Env) error {
			return env.Upgrade(nil, func(map[string]any) error { return c.fail() })
		}).Provide(envmap.NewProperties(out)).Run(x)
		if err != nil {
			t.Fatal(err)
		}
		<-out.written
		if !strings.Contains(out.text.String(), c.told) {
			t.Errorf("%s: traced %q", name, out.text.String())
		}
		if _, err := x.Peer.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%s: the stream: %v", name, err)
		}
	}
}
