package envhttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"ringway/envmap"
)

// inner calls app for the Env that stands further out, with what the middleware in between changed.
func (l *link) inner(app envmap.App, w http.ResponseWriter, r *http.Request) {
	env := l.env
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if r.Host != "" {
		header["Host"] = []string{r.Host}
	}
	t := &through{w: w, env: env}
	changes := []struct {
		key   string
		value any
	}{
		{envmap.KeyRequestMethod, r.Method},
		{envmap.KeyRequestPath, r.URL.Path},
		{envmap.KeyRequestQueryString, r.URL.RawQuery},
		{envmap.KeyRequestHeaders, header},
		{envmap.KeyCallCancelled, context.Context(r.Context())},
		{envmap.KeyRequestBody, io.Reader(r.Body)},
		{envmap.KeyResponseBody, io.Writer(t)},
	}
	for _, c := range changes {
		before, ok := env.Get(c.key)
		if h, isHeaders := before.(envmap.Headers); isHeaders {
			before = http.Header(h.Map())
		}
		if !ok {
			before = nil
		}
		if l.err = env.Set(c.key, c.value); l.err != nil {
			return
		}
		defer func() { _ = env.Set(c.key, before) }()
	}
	// Fields that the middleware set are to be seen by the App, and the other way round.
	if l.err = env.Set(envmap.KeyResponseHeaders, w.Header()); l.err != nil && !errors.Is(l.err, envmap.ErrSealed) {
		return
	}
	if l.err = app(env); l.err == nil {
		l.err = t.head()
	}
}

// through writes what an App writes through the http.ResponseWriter of a middleware.
type through struct {
	w     http.ResponseWriter
	env   envmap.Env
	begun bool
}

// head gives status and fields to the middleware.
func (t *through) head() error {
	if t.begun {
		return nil
	}
	v, ok := t.env.Get(envmap.KeyResponseStatusCode)
	if !ok {
		v = http.StatusOK
	}
	status, ok := v.(int)
	if !ok || status < 200 || status > 999 {
		return &envmap.ValueError{Key: envmap.KeyResponseStatusCode, Value: fmt.Sprintf("%T %v", v, v), Want: "int, 200 to 999"}
	}
	t.begun = true
	t.w.WriteHeader(status)
	return nil
}

// Write implements io.Writer.
func (t *through) Write(p []byte) (int, error) {
	if err := t.head(); err != nil {
		return 0, err
	}
	return t.w.Write(p)
}

// Flush is what Env.Flush looks for.
func (t *through) Flush() error {
	if err := t.head(); err != nil {
		return err
	}
	return http.NewResponseController(t.w).Flush()
}
