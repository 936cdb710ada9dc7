package rules

import (
	"context"
	"io"
	"reflect"
	"sync/atomic"

	"ringway/envmap"
	"ringway/envmap/envsocket"
)

const startupSection = "Start-up"

// started is what the worker of the cases was given at start-up.
var started struct {
	properties *envmap.Properties
	inits      atomic.Int32
}

// Startup is the start-up of the worker of the cases; run is its App.
func Startup(b *envmap.Builder, run envmap.App) (envmap.App, error) {
	started.properties = b.Properties()
	b.Properties().OnInit(func(context.Context) error {
		started.inits.Add(1)
		return nil
	})
	return envsocket.Use(b, envsocket.Options{}).Map("/websocket", Echo).Run(run)
}

func property[T any](c *Check, key string) T {
	v, ok := started.properties.Get(key)
	t, right := v.(T)
	if !ok || !right {
		c.Errorf("%s is %T at start-up, want %T", key, v, t)
	}
	return t
}

var startupRules = []Rule{
	{
		Section: startupSection, Clause: "OWIN 1.0, 4; common keys, 6", Title: "The start-up properties have owin.Version, server.Capabilities, host.Addresses, server.OnInit, server.OnDispose and host.TraceOutput",
		Cases: []Case{{
			Name: "start-up properties", GatewayOnly: true,
			App: func(c *Check, env envmap.Env) error {
				Equal(c, "owin.Version", property[string](c, "owin.Version"), "1.0")
				Equal(c, "server.OnDispose", property[context.Context](c, "server.OnDispose").Err(), nil)
				_ = property[func(func(context.Context) error)](c, "server.OnInit")
				_ = property[io.Writer](c, "host.TraceOutput")
				addresses := property[[]map[string]string](c, "host.Addresses")
				if len(addresses) != 1 {
					c.Errorf("host.Addresses is %v", addresses)
					return nil
				}
				a := addresses[0]
				Equal(c, "scheme and host", a["scheme"]+" "+a["host"], "http 127.0.0.1")
				Equal(c, "port", a["port"], value[string](c, env, "server.LocalPort"))
				return ok(env)
			},
		}},
		Tests: []Place{{"envmap/properties_test.go", []string{"TestProperties"}}, {"bridge/startup_test.go", []string{"TestStartup"}}},
	},
	{
		Section: startupSection, Clause: "Common keys, 5", Title: "server.Capabilities is the same instance at start-up and in each request; it has opaque.Version, sendfile.Version, sendfile.Support and, of a middleware, websocket.Version",
		Cases: []Case{{
			Name: "capabilities", GatewayOnly: true,
			App: func(c *Check, env envmap.Env) error {
				now, then := value[map[string]any](c, env, "server.Capabilities"), property[map[string]any](c, "server.Capabilities")
				Equal(c, "instance", reflect.ValueOf(now).Pointer(), reflect.ValueOf(then).Pointer())
				Equal(c, "opaque.Version", now["opaque.Version"], any("1.0"))
				Equal(c, "websocket.Version", now["websocket.Version"], any("1.0"))
				Equal(c, "sendfile.Version", now["sendfile.Version"], any("1.0"))
				support, _ := now["sendfile.Support"].(map[string]any)
				Equal(c, "sendfile.Concurrency", support["sendfile.Concurrency"], any("None"))
				_, err := io.WriteString(value[io.Writer](c, env, "host.TraceOutput"), "traced by a case\n")
				if err != nil {
					return err
				}
				return ok(env)
			},
			Log: "traced by a case",
		}},
		Tests: []Place{{"envmap/properties_test.go", []string{"TestCapabilitiesAreTheSameInstance"}}},
	},
	{
		Section: startupSection, Clause: "Common keys, 6", Title: "server.OnInit callbacks run once before the first request, server.OnDispose fires after the last",
		Cases: []Case{{
			Name: "initialized once", GatewayOnly: true,
			App: func(c *Check, env envmap.Env) error {
				Equal(c, "calls", started.inits.Load(), 1)
				return ok(env)
			},
		}},
		Tests: []Place{
			{"bridge/startup_test.go", []string{"TestStartup", "TestStartupFails"}}, {"envmap/properties_test.go", []string{"TestInit", "TestDispose"}},
		},
	},
	{
		Section: startupSection, Clause: "OWIN 1.0, 4", Title: "Middleware is chained in front of applications; that of net/http, too, and the other way round",
		Tests: []Place{
			{"envmap/builder_test.go", []string{"TestBuilder"}}, {"envmap/example_test.go", []string{"ExampleMiddleware"}},
			{"envmap/envhttp/middleware_test.go", []string{"TestMiddlewareOfNetHTTP", "TestMiddlewareAndFailures", "TestHandlerMiddleware"}},
			{"envmap/envhttp/app_test.go", []string{"TestHandlerSeesTheDictionary"}}, {"envmap/envhttp/handler_test.go", []string{"TestAppBehindNetHTTP"}},
		},
	},
}
