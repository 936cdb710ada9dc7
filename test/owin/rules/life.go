package rules

import (
	"context"
	"errors"
	"io"
	"time"

	"ringway/envmap"
)

const lifeSection = "Lifetime"

// patience is how long a case waits for what should take milliseconds.
const patience = 20 * time.Second

// fires checks that a context is cancelled before long.
func fires(c *Check, ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		c.Errorf("owin.CallCancelled has not fired")
	}
}

var lifeRules = []Rule{
	{
		Section: lifeSection, Clause: "OWIN 1.0, 3.2.3", Title: "CallCancelled does not fire on success",
		Cases: []Case{{
			Name: "not cancelled on success", Late: true,
			App: func(c *Check, env envmap.Env) error {
				ctx := value[context.Context](c, env, "owin.CallCancelled")
				c.Later(func() {
					for env.Len() > 0 { // until the exchange has ended
						time.Sleep(time.Millisecond)
					}
					Equal(c, "cancelled", ctx.Err(), nil)
				})
				return ok(env)
			},
		}},
	},
	{
		Section: lifeSection, Clause: "OWIN 1.0, 3.2.3", Title: "CallCancelled fires when the client disconnects, also when it is first looked at after that, and when the application fails",
		Cases: []Case{
			{
				Name: "client gone", GatewayOnly: true, Leave: true, Late: true,
				App: func(c *Check, env envmap.Env) error {
					ctx := value[context.Context](c, env, "owin.CallCancelled")
					done := make(chan struct{})
					c.Later(func() { <-done })
					defer close(done)
					c.Waits()
					fires(c, ctx)
					return context.Cause(ctx)
				},
			},
			{
				Name: "client gone, looked at afterwards", GatewayOnly: true, Leave: true, Late: true,
				App: func(c *Check, env envmap.Env) error {
					done := make(chan struct{})
					c.Later(func() { <-done })
					defer close(done)
					c.Waits()
					for { // writes fail once the client is known to be gone
						_, err := env.Write(make([]byte, 64<<10))
						if err != nil {
							break
						}
					}
					if value[context.Context](c, env, "owin.CallCancelled").Err() == nil {
						c.Errorf("owin.CallCancelled has not fired")
					}
					return io.ErrClosedPipe
				},
			},
			{
				Name: "application failed", GatewayOnly: true, Late: true, Status: 500, Body: failure, Log: "own failure",
				App: func(c *Check, env envmap.Env) error {
					ctx := value[context.Context](c, env, "owin.CallCancelled")
					c.Later(func() { fires(c, ctx) })
					return errors.New("own failure")
				},
			},
		},
		Tests: []Place{
			{"bridge/startup_test.go", []string{"TestContextOfAFailure"}}, {"bridge/context_test.go", []string{"TestCancelReachesTheHandler"}},
			{"bridge/serve_test.go", []string{"TestServeAttachesAgain"}},
		},
	},
	{
		Section: lifeSection, Clause: "Ringway", Title: "After the exchange has ended, touching the environment fails safely and never shows recycled memory",
		Cases: []Case{{
			Name: "touched after the end", Late: true,
			App: func(c *Check, env envmap.Env) error {
				path, headers, body := env.Path(), env.RequestHeaders(), env.Body()
				c.Later(func() {
					for env.Len() > 0 {
						if p := env.Path(); p != "" && p != path {
							c.Errorf("path %q", p)
						}
					}
					Equal(c, "path", env.Path()+env.Method()+env.Query()+headers.Get("host"), "")
					Equal(c, "views", len(env.PathBytes())+len(env.HeaderBytes("host")), 0)
					Equal(c, "Set", env.Set("my.Key", 1), envmap.ErrEnded)
					_, err := env.WriteString("x")
					Equal(c, "write", err, envmap.ErrEnded)
					_, err = body.Read(make([]byte, 1))
					Equal(c, "read", err, envmap.ErrEnded)
					Equal(c, "cancelled", env.Context().Err(), context.Canceled)
				})
				return ok(env)
			},
		}},
		Tests: []Place{{"envmap/ended_test.go", []string{"TestEveryCallAfterTheEnd", "TestLeakedEnvInAnotherGoroutine", "TestRunWaitsForReads"}}},
	},
	{
		Section: lifeSection, Clause: "Ringway", Title: "A request block of any bytes gives an error, never a panic",
		Tests: []Place{{"envmap/fuzz_test.go", []string{"FuzzRequestBlock"}}, {"envmap/runner_test.go", []string{"TestMalformedBlock"}}},
	},
}
