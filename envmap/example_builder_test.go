package envmap_test

import (
	"context"
	"fmt"
	"io"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// A prefix that is mapped moves from Path to PathBase while the App behind it runs.
func ExampleBuilder() {
	show := func(name string) envmap.App {
		return func(env envmap.Env) error {
			return env.Reply(200).Text(fmt.Sprintf("%s: base %q, path %q", name, env.PathBase(), env.Path()))
		}
	}
	startup := func(b *envmap.Builder) (envmap.App, error) {
		b.Properties().OnInit(func(context.Context) error { return nil }) // connect to a database, say
		return b.Map("/api", show("api")).Run(show("site"))
	}
	app, err := startup(envmap.NewBuilder(nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, target := range []string{"/api/users", "/api", "/apis"} {
		x, _ := envtest.Do(app, envtest.Request{Target: target})
		fmt.Printf("%s\n", x.Body)
	}
	// Output:
	// api: base "/api", path "/users"
	// api: base "/api", path ""
	// site: base "", path "/apis"
}

// The last chance to change the head comes before the first write, whoever makes it.
func ExampleEnv_OnSendingHeaders() {
	stamped := func(next envmap.App) envmap.App {
		return func(env envmap.Env) error {
			err := env.OnSendingHeaders(func() { _ = env.SetHeader("X-Stamp", "1") })
			if err != nil {
				return err
			}
			return next(env)
		}
	}
	app := envmap.Chain(func(env envmap.Env) error { return env.Reply(200).Text("hello") }, stamped)
	x, _ := envtest.Do(app, envtest.Request{})
	fmt.Printf("%s %s\n", x.Header("X-Stamp"), x.Body)
	// Output: 1 hello
}

// Values can be had by key, as OWIN has it, or by accessor.
func ExampleEnv_Get() {
	app := func(env envmap.Env) error {
		method, _ := env.Get(envmap.KeyRequestMethod)
		fmt.Println(method, env.Method())
		_, there := env.Get("my.Key")
		fmt.Println(there)
		return env.Set("my.Key", 1)
	}
	_, err := envtest.Do(app, envtest.Request{Method: "PUT"})
	fmt.Println(err)
	// Output:
	// PUT PUT
	// false
	// <nil>
}

// An upgraded connection outlives the environment of its request.
func ExampleEnv_Upgrade() {
	app := func(env envmap.Env) error {
		return env.Upgrade(nil, func(now map[string]any) error {
			stream := now[envmap.KeyOpaqueStream].(envmap.Stream)
			_, err := io.WriteString(stream, "no more HTTP\n")
			return err
		})
	}
	x, _ := envtest.Do(app, envtest.Request{
		Upgrade: true, Fields: []envmap.Field{{Name: "Connection", Value: "upgrade"}, {Name: "Upgrade", Value: "own"}},
	})
	text, _ := io.ReadAll(x.Peer)
	fmt.Printf("%d %s: %s", x.Status, x.Header("Upgrade"), text)
	// Output: 101 own: no more HTTP
}

// A chain describes a whole response.
func ExampleEnv_Reply() {
	app := func(env envmap.Env) error {
		return env.Reply(201).Header("Location", "/things/1").JSON(map[string]int{"id": 1})
	}
	x, _ := envtest.Do(app, envtest.Request{Method: "POST"})
	fmt.Printf("%d %s %s %s", x.Status, x.Header("Location"), x.Header("Content-Type"), x.Body)
	// Output: 201 /things/1 application/json {"id":1}
}
