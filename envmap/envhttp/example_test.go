package envhttp_test

import (
	"fmt"
	"net/http"

	"ringway/envmap"
	"ringway/envmap/envhttp"
	"ringway/envmap/envtest"
)

// Middleware of net/http in front of an App.
func ExampleMiddleware() {
	strip := func(next http.Handler) http.Handler { return http.StripPrefix("/v1", next) }
	app := envmap.Chain(func(env envmap.Env) error { return env.Reply(200).Text(env.Path()) }, envhttp.Middleware(strip))
	x, err := envtest.Do(app, envtest.Request{Target: "/v1/things"})
	fmt.Printf("%s %v\n", x.Body, err)
	// Output: /things <nil>
}

// A ServeMux as the application behind middleware of environments.
func ExampleApp() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /things/{id}", func(w http.ResponseWriter, r *http.Request) {
		_ = envhttp.Respond(w, 200).Text("thing " + r.PathValue("id"))
	})
	x, err := envtest.Do(envhttp.App(mux), envtest.Request{Target: "/things/7"})
	fmt.Printf("%s %v\n", x.Body, err)
	// Output: thing 7 <nil>
}
