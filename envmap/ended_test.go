package envmap_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// leak runs an exchange and returns the Env its App kept.
func leak(runner *envmap.Runner, t *testing.T, keep *envmap.Env, r envtest.Request) envmap.Env {
	t.Helper()
	x := envtest.NewExchange(t.Context(), r)
	if err := runner.Run(x); err != nil {
		t.Fatal(err)
	}
	return *keep
}

// TestEveryCallAfterTheEnd: zero values and ErrEnded, also when the memory has gone on to another exchange.
func TestEveryCallAfterTheEnd(t *testing.T) {
	var kept envmap.Env
	runner := envmap.NewRunner(func(env envmap.Env) error {
		kept = env
		_ = env.Set("my.Key", 1)
		env.Path()
		return nil
	})
	env := leak(runner, t, &kept, typical)
	body, headers := env.Body(), env.RequestHeaders()
	ended(t, env, body, headers)
	for range 300 { // beyond a slab of handles
		leak(runner, t, &kept, typical)
		ended(t, env, body, headers)
	}
	inner := envmap.NewRunner(func(now envmap.Env) error {
		_ = now.Set("my.Key", 2)
		ended(t, env, body, headers)
		_, err := now.WriteString("x")
		return err
	})
	leak(inner, t, &kept, typical)
	ended(t, envmap.Env{}, envmap.Env{}.Body(), envmap.Headers{})
}

func ended(t *testing.T, env envmap.Env, body io.Reader, headers envmap.Headers) {
	t.Helper()
	equal(t, "texts", env.Method()+env.Path()+env.Target()+env.RequestID()+env.PathBase()+env.Query()+env.Scheme()+env.Protocol()+env.RemoteIP()+
		env.Header("accept")+headers.Get("accept"), "")
	equal(t, "views", len(env.MethodBytes())+len(env.PathBytes())+len(env.QueryBytes())+len(env.HeaderBytes("accept")), 0)
	equal(t, "Len", env.Len()+headers.Len()+len(headers.Map())+len(headers.Values("accept")), 0)
	equal(t, "ContentLength", env.ContentLength(), 0)
	for key := range env.All() {
		t.Errorf("All visits %s", key)
	}
	for range headers.All() {
		t.Error("fields are visited")
	}
	if v, ok := env.Get(envmap.KeyRequestPath); ok || v != nil {
		t.Errorf("Get = %v, %v", v, ok)
	}
	for what, yes := range map[string]bool{
		"Has": env.Has("my.Key"), "Delete": env.Delete("my.Key"), "DeletePair": env.DeletePair("my.Key", 1),
		"Has of a field": headers.Has("accept"), "Delete of a field": headers.Delete("accept"),
	} {
		if yes {
			t.Errorf("%s says true", what)
		}
	}
	env.Clear()
	for what, err := range map[string]error{
		"Set": env.Set("my.Key", 3), "Add": env.Add("other", 3), "SetStatus": env.SetStatus(404),
		"SetHeader": env.SetHeader("a", "b"), "AddHeader": env.AddHeader("a", "b"), "Flush": env.Flush(),
		"Write": second(env.Write([]byte("x"))), "WriteString": second(env.WriteString("x")),
		"Reserve": second(env.Reserve(1)), "Commit": env.Commit(0), "ReadFrom": second(env.ReadFrom(body)),
		"Reply": env.Reply(200).Text("x"), "Read": second(body.Read(make([]byte, 1))),
		"Read of Body": second(env.Body().Read(make([]byte, 1))),
		"field Set":    headers.Set("a", "b"), "field Add": headers.Add("a", "b"),
		"field Append": headers.Append("a", "b"), "field Clear": headers.Clear(),
		"Context": context.Cause(env.Context()), "OnSendingHeaders": env.OnSendingHeaders(func() {}),
		"Upgrade":  env.Upgrade(nil, func(map[string]any) error { return nil }),
		"SendFile": env.SendFile(context.Background(), nil, 0, 1),
	} {
		if !errors.Is(err, envmap.ErrEnded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if env.Context().Err() == nil {
		t.Error("the context is not cancelled")
	}
}

// TestLeakedEnvInAnotherGoroutine hammers an Env while its exchange ends and its memory is used again: what it shows is
// its own request or nothing. The race detector watches.
func TestLeakedEnvInAnotherGoroutine(t *testing.T) {
	var group sync.WaitGroup
	runner := envmap.NewRunner(func(env envmap.Env) error {
		path := env.Path()
		started := make(chan struct{})
		group.Go(func() {
			close(started)
			for range 200 {
				for what, got := range map[string]string{
					"Path": env.Path(), "X-Path": env.Header("x-path"), "field": env.RequestHeaders().Get("X-Path"),
				} {
					if got != "" && got != path {
						t.Errorf("%s of %s shows %s", what, path, got)
						return
					}
				}
				_, _ = env.Write([]byte(path))
				_ = env.Set("leaked", path)
				_, _ = env.Body().Read(make([]byte, 10))
				_ = env.Flush()
			}
		})
		<-started
		_, _ = env.WriteString(path)
		return nil
	})
	for i := range 50 {
		path := "/" + string(rune('a'+i%26))
		x := envtest.NewExchange(t.Context(), envtest.Request{
			Target: path, Fields: []envmap.Field{{Name: "X-Path", Value: path}},
		})
		if err := runner.Run(x); err != nil {
			t.Fatal(err)
		}
		for _, c := range string(x.Body) {
			if c != '/' && c != rune(path[1]) {
				t.Fatalf("the response to %s has %q", path, x.Body)
			}
		}
	}
	group.Wait()
}

// TestRunWaitsForReads: a read that another goroutine still does ends before the exchange is given back.
func TestRunWaitsForReads(t *testing.T) {
	reader, writer := io.Pipe()
	defer writer.Close()
	result := make(chan error, 1)
	x := envtest.NewExchange(t.Context(), envtest.Request{Method: "POST", Body: reader, Length: envmap.LengthUnknown})
	err := envmap.NewRunner(func(env envmap.Env) error {
		reading := make(chan struct{})
		go func() {
			close(reading)
			_, err := env.Body().Read(make([]byte, 1))
			result <- err
		}()
		<-reading
		time.Sleep(10 * time.Millisecond) // most likely the read runs now; either way it must fail
		return nil
	}).Run(x)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-result; err == nil {
		t.Error("the read succeeded")
	}
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	x := envtest.NewExchange(ctx, envtest.Request{})
	err := envmap.NewRunner(func(env envmap.Env) error {
		equal(t, "error", env.Context().Err(), nil)
		cancel()
		v, _ := env.Get(envmap.KeyCallCancelled)
		equal(t, "error when first looked at after the fact", v.(context.Context).Err(), context.Canceled)
		own, stop := context.WithCancelCause(context.Background())
		stop(io.ErrNoProgress)
		_ = env.Set(envmap.KeyCallCancelled, own)
		equal(t, "cause of the one assigned", context.Cause(env.Context()), io.ErrNoProgress)
		return nil
	}).Run(x)
	if err != nil {
		t.Error(err)
	}
}
