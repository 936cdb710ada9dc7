package ringotel

import (
	"errors"
	"net/http"
	"net/netip"

	"ringway/envmap"
)

// Middleware makes a span of each request that the App behind it answers. The App finds it in Env.Context.
func Middleware(opts ...Option) envmap.Middleware {
	o := newOptions(opts)
	return func(app envmap.App) envmap.App {
		return func(env envmap.Env) (err error) {
			own := env.Context()
			name := (&request{method: env.Method()}).name()
			ctx, span := o.begin(own, carrier{env.RequestHeaders()}, func() request { return ofEnv(env) })
			if err := env.Set(envmap.KeyCallCancelled, ctx); err != nil {
				span.End()
				return err
			}
			returned := false
			defer func() {
				result := outcome{failure: err}
				if !returned {
					result.panicked = recover()
					result.goexit = result.panicked == nil
				}
				result.status = statusOf(env, returned && err == nil)
				if errors.Is(err, envmap.ErrAbort) || result.panicked == envmap.ErrAbort || result.panicked == http.ErrAbortHandler {
					result.status = 0
				}
				result.end(span, name)
				_ = env.Set(envmap.KeyCallCancelled, own) // for what stands further out
				if result.panicked != nil {
					panic(result.panicked)
				}
			}()
			err = app(env)
			returned = true
			return err
		}
	}
}

// statusOf is the response's, which is 500 if the App failed and has sent nothing.
func statusOf(env envmap.Env, well bool) int {
	status, ok := env.Get(envmap.KeyResponseStatusCode)
	code, isInt := status.(int)
	switch {
	case !well && env.OnSendingHeaders(nil) == nil: // nothing is sealed
		return http.StatusInternalServerError
	case !ok || !isInt:
		return http.StatusOK
	}
	return code
}

func ofEnv(env envmap.Env) request {
	remote, _ := netip.ParseAddrPort(joined(env))
	return request{
		method: env.Method(), path: env.PathBase() + env.Path(), query: env.Query(), scheme: env.Scheme(), protocol: env.Protocol(),
		host: env.Header("Host"), remote: remote, agent: env.Header("User-Agent"), id: env.RequestID(),
	}
}

func joined(env envmap.Env) string {
	address, err := netip.ParseAddr(env.RemoteIP())
	port, _ := env.Get(envmap.KeyRemotePort)
	text, ok := port.(string)
	switch {
	case err != nil || !ok:
		return ""
	case address.Is6():
		return "[" + address.String() + "]:" + text
	}
	return address.String() + ":" + text
}

// carrier lets a propagator read the request's fields.
type carrier struct{ fields envmap.Headers }

func (c carrier) Get(name string) string { return c.fields.Get(name) }

// Set does nothing: the parent is only read.
func (c carrier) Set(string, string) {}

func (c carrier) Keys() []string {
	var names []string
	for name := range c.fields.All() {
		names = append(names, name)
	}
	return names
}

// Values is for propagators that know fields with several values.
func (c carrier) Values(name string) []string { return c.fields.Values(name) }
