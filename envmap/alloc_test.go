// The race detector makes sync.Pool forget at random.

//go:build !race

package envmap_test

import (
	"io"
	"testing"

	"ringway/envmap"
)

// TestAllocationBudget: what a request may allocate in steady state.
func TestAllocationBudget(t *testing.T) {
	body, buffer := make([]byte, 10_000), make([]byte, 64)
	for name, c := range map[string]struct {
		app    envmap.App
		budget float64
	}{
		"nothing": {func(envmap.Env) error { return nil }, 0},
		"method, path, query, one header, small body": {func(env envmap.Env) error {
			n := len(env.MethodBytes()) + len(env.PathBytes()) + len(env.QueryBytes()) + len(env.HeaderBytes("accept"))
			if n == 0 {
				return io.ErrUnexpectedEOF
			}
			_ = env.SetHeader("Content-Type", "text/plain")
			_, err := env.WriteString("Hello, World!")
			return err
		}, 0},
		"reply": {func(env envmap.Env) error {
			return env.Reply(200).Header("Cache-Control", "no-store").Text("Hello, World!")
		}, 0},
		"large body through Write": {func(env envmap.Env) error {
			_, err := env.Write(body)
			return err
		}, 0},
		"body filled in place": {func(env envmap.Env) error {
			_ = env.Flush()
			b, err := env.Reserve(10_000)
			if err != nil {
				return err
			}
			return env.Commit(len(b))
		}, 0},
		"reading the body": {func(env envmap.Env) error {
			if _, err := env.Body().Read(buffer); err != io.EOF {
				return io.ErrUnexpectedEOF
			}
			return nil
		}, 1}, // the reader
		"method and root path as strings": {func(env envmap.Env) error {
			if env.Method() != "GET" || env.Path() == "" {
				return io.ErrUnexpectedEOF
			}
			return nil
		}, 1}, // the path
		"header as string": {func(env envmap.Env) error {
			if env.Header("accept") == "" {
				return io.ErrUnexpectedEOF
			}
			return nil
		}, 1},
	} {
		runner, x := envmap.NewRunner(c.app), newSink(typical)
		var failure error
		run := func() {
			if err := runner.Run(x); err != nil {
				failure = err
			}
		}
		for range 10 {
			run()
		}
		if got := testing.AllocsPerRun(1000, run); got > c.budget {
			t.Errorf("%s: %v allocations, want at most %v", name, got, c.budget)
		}
		if failure != nil {
			t.Errorf("%s: %v", name, failure)
		}
	}
}
