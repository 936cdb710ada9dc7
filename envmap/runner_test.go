package envmap_test

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// TestFailureBeforeTheFirstWrite: it becomes a 500 that shows nothing of what the App prepared.
func TestFailureBeforeTheFirstWrite(t *testing.T) {
	own := errors.New("own")
	for name, fail := range map[string]func() error{
		"error":          func() error { return own },
		"panic":          func() error { panic("own text") },
		"panic of error": func() error { panic(own) },
	} {
		x, err := envtest.Do(func(env envmap.Env) error {
			_ = env.SetStatus(201)
			_ = env.SetHeader("X-Secret", "1")
			return fail()
		}, envtest.Request{})
		equal(t, name+": clean", x.Clean(), true)
		equal(t, name+": status", x.Status, 500)
		equal(t, name+": fields", len(x.Fields), 1)
		equal(t, name+": body", string(x.Body), "Internal Server Error\n")
		equal(t, name+": length", x.Length, int64(len(x.Body)))
		if err == nil || name != "panic" && !errors.Is(err, own) {
			t.Errorf("%s: Run: %v", name, err)
		}
		if name != "error" {
			var p *envmap.PanicError
			if !errors.As(err, &p) || !strings.Contains(err.Error(), "own") ||
				!strings.Contains(err.Error(), "runner_test.go") {
				t.Errorf("%s: the error has no panic or no stack: %v", name, err)
			}
		}
	}
}

// TestFailureAfterTheFirstWrite: it cuts the response off, also while the written bytes are still held back.
func TestFailureAfterTheFirstWrite(t *testing.T) {
	for _, written := range []int{0, 1, 100_000} {
		for name, fail := range map[string]func() error{
			"error": func() error { return io.ErrNoProgress },
			"panic": func() error { panic(io.ErrNoProgress) },
		} {
			x, err := envtest.Do(func(env envmap.Env) error {
				_, _ = env.Write(make([]byte, written))
				return fail()
			}, envtest.Request{})
			if !errors.Is(err, io.ErrNoProgress) || !errors.Is(x.Aborted, io.ErrNoProgress) {
				t.Errorf("%s after %d: Run: %v, aborted: %v", name, written, err, x.Aborted)
			}
		}
	}
}

func TestAbortIsNoFailure(t *testing.T) {
	for name, app := range map[string]envmap.App{
		"returned":             func(envmap.Env) error { return envmap.ErrAbort },
		"panic":                func(envmap.Env) error { panic(envmap.ErrAbort) },
		"panic as in net/http": func(envmap.Env) error { panic(http.ErrAbortHandler) },
	} {
		x, err := envtest.Do(app, envtest.Request{})
		if err != envmap.ErrAbort || x.Aborted != envmap.ErrAbort || x.Status != 0 {
			t.Errorf("%s: Run: %v, aborted: %v, status %d", name, err, x.Aborted, x.Status)
		}
	}
}

// TestGoexit: an App that ends its goroutine leaves no exchange behind.
func TestGoexit(t *testing.T) {
	x := envtest.NewExchange(t.Context(), envtest.Request{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = envmap.NewRunner(func(envmap.Env) error { runtime.Goexit(); return nil }).Run(x)
	}()
	<-done
	equal(t, "ended", x.Ended(), true)
	equal(t, "status", x.Status, 500)
}

func TestMalformedBlock(t *testing.T) {
	x := envtest.NewExchangeOf([]byte("short"))
	err := envmap.NewRunner(func(envmap.Env) error {
		t.Error("the App was called")
		return nil
	}).Run(x)
	if err == nil || x.Aborted == nil {
		t.Errorf("Run: %v, aborted: %v", err, x.Aborted)
	}
}

// TestNothingIsLeftForTheNext: working memory is used again, what was in it is not.
func TestNothingIsLeftForTheNext(t *testing.T) {
	requests := 0
	runner := envmap.NewRunner(func(env envmap.Env) error {
		requests++
		if requests%2 == 1 {
			_ = env.Set("my.Key", 1)
			for _, key := range envmap.KnownNames {
				env.Get(key)
				_ = env.Set(key, "wrong")
			}
			_ = env.Set(envmap.KeyRequestHeaders, http.Header{"Left": {"1"}})
			_ = env.SetHeader("Left", "1")
			return errors.New("failed")
		}
		equal(t, "Len", env.Len(), len(envmap.KnownNames)-len(absent))
		equal(t, "Path", env.Path(), "/")
		equal(t, "Method", env.Method(), "GET")
		equal(t, "fields", env.RequestHeaders().Len(), 1)
		equal(t, "response fields", env.ResponseHeaders().Len(), 0)
		_, err := env.WriteString("second")
		return err
	})
	for range 10 {
		x := envtest.NewExchange(t.Context(), envtest.Request{})
		_ = runner.Run(x)
		y := envtest.NewExchange(t.Context(), envtest.Request{})
		if err := runner.Run(y); err != nil || string(y.Body) != "second" || len(y.Fields) > 0 || y.Status != 200 {
			t.Fatalf("%v, %d %v %q", err, y.Status, y.Fields, y.Body)
		}
	}
}
