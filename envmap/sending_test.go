package envmap_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// TestOnSendingHeaders: callbacks run once, last one first, when the head is about to be sealed, and may change it.
func TestOnSendingHeaders(t *testing.T) {
	for name, write := range map[string]func(envmap.Env) error{
		"nothing": func(envmap.Env) error { return nil },
		"Write":   func(env envmap.Env) error { _, err := env.Write([]byte("x")); return err },
		"empty":   func(env envmap.Env) error { _, err := env.Write(nil); return err },
		"Flush":   envmap.Env.Flush,
		"Reserve": func(env envmap.Env) error {
			if _, err := env.Reserve(1); err != nil {
				return err
			}
			return env.Commit(0)
		},
		"through the dictionary": func(env envmap.Env) error {
			body, _ := env.Get(envmap.KeyResponseBody)
			_, err := body.(io.Writer).Write([]byte("x"))
			return err
		},
	} {
		var order []string
		x := inside(t, envtest.Request{}, func(env envmap.Env) {
			_ = env.SetStatus(201)
			_ = env.OnSendingHeaders(func() {
				order = append(order, "first")
				v, _ := env.Get(envmap.KeyResponseStatusCode)
				equal(t, "status seen", v.(int), 202)
				_ = env.SetStatus(203)
				_ = env.Set(envmap.KeyResponseReasonPhrase, "Own")
				_ = env.SetHeader("X-First", "1")
			})
			register, _ := env.Get(envmap.KeyOnSendingHeaders)
			err := register.(func(func()) error)(func() {
				order = append(order, "second")
				_ = env.SetStatus(202)
				_ = env.OnSendingHeaders(func() { order = append(order, "late") })
			})
			if err != nil {
				t.Error(err)
			}
			if err := write(env); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			want := "second late first"
			if name == "nothing" {
				want = ""
			}
			equal(t, name+": order", strings.Join(order, " "), want)
			if err := write(env); err != nil {
				t.Errorf("%s again: %v", name, err)
			}
			if name != "nothing" {
				equal(t, name+": too late", env.OnSendingHeaders(func() { t.Error("ran") }), envmap.ErrSealed)
			}
		})
		equal(t, name+": order at the end", strings.Join(order, " "), "second late first")
		equal(t, name+": status", x.Status, 203)
		equal(t, name+": reason", x.Reason, "Own")
		equal(t, name+": field", x.Header("x-first"), "1")
	}
}

// TestSendingCallbackPanics: the others run, and the response is a 500.
func TestSendingCallbackPanics(t *testing.T) {
	for _, write := range []bool{false, true} {
		ran := 0
		x, err := envtest.Do(func(env envmap.Env) error {
			_ = env.OnSendingHeaders(func() { ran++ })
			_ = env.OnSendingHeaders(func() { panic(io.ErrNoProgress) })
			_ = env.OnSendingHeaders(func() { ran++ })
			if write {
				if _, err := env.WriteString("x"); !errors.Is(err, io.ErrNoProgress) {
					t.Errorf("write: %v", err)
				}
			}
			return nil
		}, envtest.Request{})
		equal(t, "ran", ran, 2)
		equal(t, "status", x.Status, 500)
		if !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("Run: %v", err)
		}
	}
}

// TestSendingCallbackMustNotWrite: it is told so, and nothing waits for itself.
func TestSendingCallbackMustNotWrite(t *testing.T) {
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		_ = env.OnSendingHeaders(func() {
			for what, err := range map[string]error{
				"Write": second(env.Write([]byte("bad"))), "WriteString": second(env.WriteString("bad")),
				"Flush": env.Flush(), "Reserve": second(env.Reserve(1)), "Commit": env.Commit(0),
			} {
				equal(t, what, err, envmap.ErrSending)
			}
		})
		_, _ = env.WriteString("good")
	})
	equal(t, "body", string(x.Body), "good")
}

// TestSendingCallbackOfAFailure: it runs and sees the 500, which stays as the server makes it.
func TestSendingCallbackOfAFailure(t *testing.T) {
	own := errors.New("own")
	for name, fail := range map[string]func() error{
		"error": func() error { return own },
		"panic": func() error { panic(own) },
	} {
		var seen any
		x, err := envtest.Do(func(env envmap.Env) error {
			_ = env.Set(envmap.KeyResponseStatusCode, 201)
			_ = env.OnSendingHeaders(func() {
				seen, _ = env.Get(envmap.KeyResponseStatusCode)
				_ = env.SetStatus(200)
				_ = env.SetHeader("Content-Length", "1")
			})
			return fail()
		}, envtest.Request{})
		equal(t, name+": status seen", seen, any(500))
		equal(t, name+": status", x.Status, 500)
		equal(t, name+": body", string(x.Body), "Internal Server Error\n")
		if !errors.Is(err, own) || !errors.Is(x.Cancel, own) {
			t.Errorf("%s: Run: %v, failure told: %v", name, err, x.Cancel)
		}
	}
}

// TestSendingWhileTheAppReturns: every callback has run when the response is made, also those that a goroutine which was
// left behind had begun with.
func TestSendingWhileTheAppReturns(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	wrote := make(chan error, 1)
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		_ = env.OnSendingHeaders(func() { _ = env.SetHeader("X-First", "1") })
		_ = env.OnSendingHeaders(func() { close(held); <-release })
		go func() {
			_, err := env.WriteString("x")
			wrote <- err
		}()
		<-held
	})
	close(release)
	equal(t, "X-First", x.Header("X-First"), "1")
	if err := <-wrote; !errors.Is(err, envmap.ErrEnded) {
		t.Errorf("the write left behind: %v", err)
	}
}
