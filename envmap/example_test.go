package envmap_test

import (
	"fmt"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// A middleware answers what needs no application, and changes what the next App sees.
func ExampleMiddleware() {
	onlyGet := func(next envmap.App) envmap.App {
		return func(env envmap.Env) error {
			if env.Method() != "GET" {
				return env.Reply(405).Header("Allow", "GET").Text("only GET\n")
			}
			if err := env.Set("example.Greeting", "Hello"); err != nil {
				return err
			}
			return next(env)
		}
	}
	app := onlyGet(func(env envmap.Env) error {
		greeting, _ := env.Get("example.Greeting")
		return env.Reply(200).Text(fmt.Sprintf("%s, %s!\n", greeting, env.Header("x-name")))
	})

	name := []envmap.Field{{Name: "X-Name", Value: "World"}}
	for _, method := range []string{"GET", "POST"} {
		x, err := envtest.Do(app, envtest.Request{Method: method, Fields: name})
		fmt.Printf("%d %s %v %q\n", x.Status, x.Header("Allow"), err, x.Body)
	}
	// Output:
	// 200  <nil> "Hello, World!\n"
	// 405 GET <nil> "only GET\n"
}
