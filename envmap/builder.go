package envmap

import (
	"fmt"
	"strings"
)

// Startup makes an application out of a Builder when a server starts:
//
//	func startup(b *envmap.Builder) (envmap.App, error) {
//		return b.Use(logging).Map("/api", api).Run(site)
//	}
type Startup func(*Builder) (App, error)

// Builder chains middleware in front of an App. What was added first is called first.
type Builder struct {
	properties *Properties
	chain      []Middleware
	err        error
}

// NewBuilder returns an empty Builder for a server with these start-up properties; nil stands for none.
func NewBuilder(p *Properties) *Builder {
	if p == nil {
		p = NewProperties(nil)
	}
	return &Builder{properties: p}
}

// Properties returns the start-up properties.
func (b *Builder) Properties() *Properties { return b.properties }

// Use adds middleware.
func (b *Builder) Use(m ...Middleware) *Builder {
	b.chain = append(b.chain, m...)
	return b
}

// Map adds the middleware of the function Map.
func (b *Builder) Map(prefix string, app App) *Builder {
	m, err := Map(prefix, app)
	if err != nil && b.err == nil {
		b.err = err
	}
	return b.Use(m)
}

// Run ends the chain with an App; NotFound if it is nil. The error is the first one of the chain.
func (b *Builder) Run(app App) (App, error) {
	if b.err != nil {
		return nil, b.err
	}
	if app == nil {
		app = NotFound
	}
	return Chain(app, b.chain...), nil
}

// Chain puts middleware in front of app; the first one is called first.
func Chain(app App, m ...Middleware) App {
	for i := len(m) - 1; i >= 0; i-- {
		app = m[i](app)
	}
	return app
}

// NotFound answers 404.
func NotFound(env Env) error { return env.Reply(404).Text("Not Found\n") }

// Map returns a Middleware that gives requests below a path prefix to app, with the prefix moved from Path to PathBase
// while app runs. The prefix is percent-decoded and matches whole segments of Path, byte by byte: "/api" takes "/api",
// "/api/" and "/api/x", not "/apis". Path is decoded when it is matched, so an escaped slash ends a segment as a plain one
// does; "//", "/../", NUL and backslashes have no meaning. "" and "/" take everything and move nothing; a slash at the end is ignored. The error
// is that prefix does not begin with a slash.
func Map(prefix string, app App) (Middleware, error) {
	if prefix != "" && prefix[0] != '/' {
		return nil, fmt.Errorf("envmap: path prefix %q, want one that begins with /", prefix)
	}
	prefix = strings.TrimRight(prefix, "/")
	return func(next App) App {
		return func(env Env) error {
			if prefix == "" {
				return app(env)
			}
			path := env.Path()
			rest, ok := strings.CutPrefix(path, prefix)
			if !ok || rest != "" && rest[0] != '/' {
				return next(env)
			}
			base := env.PathBase()
			if err := env.move(base+prefix, rest); err != nil {
				return err
			}
			defer func() { _ = env.move(base, path) }() // also for middleware that looks at a panic
			return app(env)
		}
	}, nil
}

// move assigns PathBase and Path.
func (e Env) move(base, path string) error {
	if err := e.Set(KeyRequestPathBase, base); err != nil {
		return err
	}
	return e.Set(KeyRequestPath, path)
}
