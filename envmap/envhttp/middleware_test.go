package envhttp_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envhttp"
	"ringway/envmap/envtest"
)

// upper is middleware of net/http: it changes request and response, and notes the status.
func upper(status *int) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Middleware", "1")
			r = r.Clone(r.Context())
			r.Header.Set("X-Own", "changed")
			r.URL.Path = "/changed"
			next.ServeHTTP(&upperWriter{w, status}, r)
		})
	}
}

type upperWriter struct {
	http.ResponseWriter
	status *int
}

func (u *upperWriter) WriteHeader(status int) {
	*u.status = status
	u.ResponseWriter.WriteHeader(status)
}

func (u *upperWriter) Write(p []byte) (int, error) {
	return u.ResponseWriter.Write([]byte(strings.ToUpper(string(p))))
}

func (u *upperWriter) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// TestMiddlewareOfNetHTTP between two environments: the inner one is the outer one, with what the middleware changed.
func TestMiddlewareOfNetHTTP(t *testing.T) {
	var status int
	for name, end := range map[string]func(env envmap.Env) error{
		"text":   func(env envmap.Env) error { return env.Reply(202).Text("text") },
		"reader": func(env envmap.Env) error { return env.Reply(202).Reader(strings.NewReader("text")) },
		"flush": func(env envmap.Env) error {
			_ = env.SetStatus(202)
			_, _ = env.WriteString("te")
			if err := env.Flush(); err != nil {
				return err
			}
			_, err := env.WriteString("xt")
			return err
		},
		"nothing": func(env envmap.Env) error { return env.SetStatus(202) },
	} {
		status = 0
		inner := func(env envmap.Env) error {
			v, _ := env.Get("outer.Key")
			equal(t, "key of the outer App", v, any("value"))
			equal(t, "path", env.Path(), "/changed")
			equal(t, "field", env.Header("x-own"), "changed")
			equal(t, "other field", env.Header("x-other"), "kept")
			equal(t, "host", env.Header("host"), "h")
			equal(t, "field of the middleware", env.ResponseHeaders().Get("x-middleware"), "1")
			_ = env.Set("inner.Key", "back")
			_ = env.SetHeader("X-Inner", "2")
			return end(env)
		}
		outer := func(next envmap.App) envmap.App {
			return func(env envmap.Env) error {
				_ = env.Set("outer.Key", "value")
				_ = env.OnSendingHeaders(func() { _ = env.SetHeader("X-Sending", "3") })
				err := next(env)
				v, _ := env.Get("inner.Key")
				equal(t, "key of the inner App", v, any("back"))
				equal(t, "path afterwards", env.Path(), "/was")
				equal(t, "field afterwards", env.Header("x-own"), "was")
				return err
			}
		}
		app := envmap.Chain(inner, outer, envhttp.Middleware(upper(&status)))
		x, err := envtest.Do(app, envtest.Request{Target: "/was", Fields: []envmap.Field{
			{Name: "Host", Value: "h"}, {Name: "X-Own", Value: "was"}, {Name: "X-Other", Value: "kept"},
		}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := "TEXT"
		if name == "nothing" {
			want = ""
		}
		equal(t, name+": body", string(x.Body), want)
		equal(t, name+": status", x.Status, 202)
		equal(t, name+": status seen", status, 202)
		for field, value := range map[string]string{"X-Middleware": "1", "X-Inner": "2", "X-Sending": "3"} {
			equal(t, name+": "+field, x.Header(field), value)
		}
	}
}

// TestMiddlewareAnswersItself, or reports what the inner App failed with.
func TestMiddlewareAndFailures(t *testing.T) {
	deny := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "denied", http.StatusForbidden) })
	}
	x, err := envtest.Do(envmap.Chain(envmap.NotFound, envhttp.Middleware(deny)), envtest.Request{})
	equal(t, "denied", fmt.Sprint(x.Status, string(x.Body), err), fmt.Sprint(403, "denied\n", nil))
	var status int
	own := errors.New("own")
	for want, app := range map[string]envmap.App{
		"own":                       func(envmap.Env) error { return own },
		"owin.ResponseStatusCode":   func(env envmap.Env) error { return env.Set(envmap.KeyResponseStatusCode, 100) },
		"owin.ResponseStatusCode i": func(env envmap.Env) error { return env.Set(envmap.KeyResponseStatusCode, "200") },
	} {
		x, err := envtest.Do(envmap.Chain(app, envhttp.Middleware(upper(&status))), envtest.Request{})
		if x.Status != 500 || err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(want, " i")) {
			t.Errorf("%s: %d, %v", want, x.Status, err)
		}
	}
}

// TestHandlerMiddleware: middleware of environments before a handler of net/http, as a handler.
func TestHandlerMiddleware(t *testing.T) {
	m := func(next envmap.App) envmap.App {
		return func(env envmap.Env) error {
			if env.Path() == "/no" {
				return env.Reply(403).Text("no")
			}
			_ = env.SetHeader("X-Env", env.Header("X-Own"))
			_ = env.RequestHeaders().Set("X-Own", "changed")
			return next(env)
		}
	}
	h := envhttp.HandlerMiddleware(m)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(http.ServerContextKey) == nil {
			t.Error("the values of the server's context are lost")
		}
		b, _ := io.ReadAll(r.Body)
		w.WriteHeader(202)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("X-Own"), b)
	}))
	s, _ := serve(t, h)
	answer, body := get(t, s, "POST", "/", strings.NewReader("body"))
	equal(t, "answer", fmt.Sprint(answer.StatusCode, answer.Header.Get("X-Env"), body), "2021POST changed body")
	answer, body = get(t, s, "POST", "/no", strings.NewReader("body"))
	equal(t, "answer", fmt.Sprint(answer.StatusCode, body), "403no")
}

// TestHandlerTwice: two Apps behind one another without middleware in between.
func TestHandlerWithoutLink(t *testing.T) {
	w := httptest.NewRecorder()
	envhttp.Handler(envmap.NotFound).ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
	equal(t, "status", w.Code, 404)
}
