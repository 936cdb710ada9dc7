package main

import (
	"context"
	"errors"
	"io"
	"net/http"

	"ringway/bridge"
	"ringway/envmap"
	"ringway/test/stress/plan"
)

// httpExchange serves with an http.Handler.
type httpExchange struct {
	bridge.BlockWriter
	w http.ResponseWriter
	r *http.Request
}

func (x httpExchange) Write(p []byte) (int, error) { return x.w.Write(p) }
func (x httpExchange) Flush() error                { return http.NewResponseController(x.w).Flush() }
func (x httpExchange) Body() io.Reader             { return x.r.Body }
func (x httpExchange) Context() context.Context    { return x.r.Context() }

func (x httpExchange) SetHeader(name, value string) error {
	x.w.Header().Set(name, value)
	return nil
}

func (x httpExchange) Hint() error {
	x.w.WriteHeader(http.StatusEarlyHints)
	return nil
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	blocks, _ := bridge.Blocks(w)
	p, err := plan.Parse(r.URL.Path)
	if err != nil {
		s.wrong(&p, "target %q", r.URL.Path)
		panic(http.ErrAbortHandler)
	}
	if err := s.answer(&p, httpExchange{blocks, w, r}); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// envExchange serves with an environment App.
type envExchange struct{ envmap.Env }

func (envExchange) Hint() error { return nil } // an App sends no interim responses

func (s *server) app(env envmap.Env) error {
	p, err := plan.Parse(env.PathBytes())
	if err != nil {
		s.wrong(&p, "target %q", env.Path())
		return envmap.ErrAbort
	}
	if err := s.answer(&p, envExchange{env}); err != nil {
		return errors.Join(envmap.ErrAbort, err)
	}
	return nil
}
