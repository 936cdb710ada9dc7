package envhttp

import (
	"context"
	"net"
	"net/http"

	"ringway/envmap"
)

// link ties the two sides together through the request's context: which Env a handler was called for, and what the App
// behind the handler returned.
type link struct {
	env envmap.Env
	err error
}

type linkKey struct{}

// App returns h as an App. A panic of h goes on; http.ErrAbortHandler aborts the response, as in net/http.
func App(h http.Handler) envmap.App {
	return func(env envmap.Env) error {
		l := &link{env: env}
		ctx := context.WithValue(env.Context(), linkKey{}, l)
		if local := localAddress(env); local != nil {
			ctx = context.WithValue(ctx, http.LocalAddrContextKey, local)
		}
		w := newWriter(env)
		h.ServeHTTP(w, Request(env).WithContext(ctx))
		if l.err != nil {
			return l.err
		}
		return w.end()
	}
}

func localAddress(env envmap.Env) net.Addr {
	ip, _ := env.Get(envmap.KeyLocalIPAddress)
	port, _ := env.Get(envmap.KeyLocalPort)
	if a, ok := parseAddress(ip, port); ok {
		return net.TCPAddrFromAddrPort(a)
	}
	return nil
}

// Middleware returns middleware of net/http as middleware of environments.
func Middleware(m func(http.Handler) http.Handler) envmap.Middleware {
	return func(next envmap.App) envmap.App { return App(m(Handler(next))) }
}

// HandlerMiddleware returns middleware of environments as middleware of net/http.
func HandlerMiddleware(m envmap.Middleware) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return Handler(m(App(next))) }
}
