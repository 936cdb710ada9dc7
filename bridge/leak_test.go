package bridge

import (
	"fmt"
	"sync"
	"testing"

	"ringway/envmap"
	"ringway/ring/ringtest"
)

// TestLeakedEnv: an application that leaves its Env to a goroutine harms nobody: the goroutine sees its own request or
// nothing, and every answer is that of its request. The race detector watches the memory of the lane.
func TestLeakedEnv(t *testing.T) {
	var group sync.WaitGroup
	x := newHarness(t, testGeometry, nil, func(env envmap.Env) error {
		path := env.Path()
		group.Go(func() {
			body, headers := env.Body(), env.RequestHeaders()
			for range 50 {
				for what, got := range map[string]string{
					"Path": env.Path(), "Header": env.Header("x-path"), "Headers": headers.Get("X-Path"), "Target": env.Target(),
				} {
					if got != "" && got != path {
						t.Errorf("%s of %s shows %s", what, path, got)
						return
					}
				}
				for range env.All() {
				}
				_, _, _ = env.PathBytes(), env.HeaderBytes("x-path"), env.Context()
				_ = env.Set("my.Key", path)
				_, _ = body.Read(make([]byte, 10))
				_ = env.Flush()
				_, _ = env.Reserve(1)
				_ = env.Commit(0)
			}
		})
		return env.Reply(200).Text(path)
	})
	for i := range 100 {
		path := fmt.Sprintf("/%d", i)
		a, err := x.Do(ringtest.Request{Target: path, Fields: []string{"X-Path", path}})
		switch {
		case err != nil:
			t.Fatal(err)
		case a.Aborted: // the goroutine flushed or reserved before the application replied
		case a.Status == 500: // it sealed the head
		case a.Status != 200 || string(a.Body) != path:
			t.Fatalf("%s: %+v", path, a)
		}
	}
	group.Wait()
	x.settled(t)
}
