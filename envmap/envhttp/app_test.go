package envhttp_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envhttp"
	"ringway/envmap/envtest"
)

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// do runs a handler as an App.
func do(t *testing.T, r envtest.Request, h http.HandlerFunc) *envtest.Exchange {
	t.Helper()
	x, err := envtest.Do(envhttp.App(h), r)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRequestOfAnEnvironment(t *testing.T) {
	r := envtest.Request{
		Method: "POST", Target: "/a%20b/c?x=%20", HTTPS: true, Body: strings.NewReader("body"), Length: 4,
		Fields: []envmap.Field{{Name: "host", Value: "h.example:81"}, {Name: "accept", Value: "a"}, {Name: "ACCEPT", Value: "b, c"}},
	}
	do(t, r, func(_ http.ResponseWriter, r *http.Request) {
		equal(t, "Method", r.Method, "POST")
		equal(t, "Path", r.URL.Path, "/a b/c")
		equal(t, "EscapedPath", r.URL.EscapedPath(), "/a%20b/c")
		equal(t, "RawQuery", r.URL.RawQuery, "x=%20")
		equal(t, "RequestURI", r.RequestURI, "/a%20b/c?x=%20")
		equal(t, "Proto", fmt.Sprintf("%s %d %d", r.Proto, r.ProtoMajor, r.ProtoMinor), "HTTP/1.1 1 1")
		equal(t, "Host", r.Host, "h.example:81")
		equal(t, "Host among the fields", r.Header.Get("Host"), "")
		equal(t, "TLS", r.TLS != nil, true)
		equal(t, "RemoteAddr", r.RemoteAddr, "192.0.2.1:40000")
		equal(t, "ContentLength", r.ContentLength, 4)
		equal(t, "local address", r.Context().Value(http.LocalAddrContextKey).(net.Addr).String(), "192.0.2.2:80")
		if !slices.Equal(r.Header["Accept"], []string{"a", "b, c"}) {
			t.Errorf("Accept = %q", r.Header["Accept"])
		}
		b, err := io.ReadAll(r.Body)
		if string(b) != "body" || err != nil {
			t.Errorf("body %q, %v", b, err)
		}
	})
	do(t, envtest.Request{Target: "*", Method: "OPTIONS", Unix: true, Old: true}, func(_ http.ResponseWriter, r *http.Request) {
		equal(t, "Path", r.URL.Path, "*")
		equal(t, "RemoteAddr", r.RemoteAddr, "@")
		equal(t, "Proto", r.Proto, "HTTP/1.0")
		equal(t, "Body", r.Body, io.ReadCloser(http.NoBody))
	})
}

// TestHandlerSeesTheDictionary: what middleware of environments changed is what the handler gets.
func TestHandlerSeesTheDictionary(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s %s %s %s %s", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("X-Own"), r.RequestURI, w.Header().Get("X-Outer"))
	})
	change := func(next envmap.App) envmap.App {
		return func(env envmap.Env) error {
			_ = env.Set(envmap.KeyRequestMethod, "PUT")
			_ = env.Set(envmap.KeyRequestQueryString, "q")
			_ = env.RequestHeaders().Set("x-own", "1")
			_ = env.SetHeader("x-outer", "2")
			return next(env)
		}
	}
	app, err := envmap.NewBuilder(nil).Use(change).Map("/base", envhttp.App(h)).Run(nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := envtest.Do(app, envtest.Request{Target: "/base/x%2Fy?old"})
	if err != nil || string(x.Body) != "PUT /x/y q 1 /base/x%2Fy?old 2" {
		t.Errorf("%q, %v", x.Body, err)
	}
	equal(t, "X-Outer", x.Header("X-Outer"), "2")
}

func TestResponseOfAHandler(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	for name, c := range map[string]struct {
		handler           http.HandlerFunc
		status            int
		contentType, body string
	}{
		"nothing": {func(http.ResponseWriter, *http.Request) {}, 200, "", ""},
		"sniffed": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, 200, "text/html; charset=utf-8", "<html>"},
		"typed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "a/b")
			w.WriteHeader(299)
			w.Header().Set("X-Late", "1")
			w.WriteHeader(500)
			_, _ = w.Write([]byte("x"))
		}, 299, "a/b", "x"},
		"interim": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }, 404, "", ""},
		"read from": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, struct{ io.Reader }{strings.NewReader(long)})
		}, 200, "text/plain; charset=utf-8", long},
		"read from nothing": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("")) }, 200, "", ""},
		"error":             {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, 403, "text/plain; charset=utf-8", "no\n"},
		"nil field":         {func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil }, 200, "", ""},
	} {
		x := do(t, envtest.Request{}, c.handler)
		equal(t, name+": status", x.Status, c.status)
		equal(t, name+": type", x.Header("Content-Type"), c.contentType)
		equal(t, name+": is the same", string(x.Body) == c.body, true)
		equal(t, name+": late field", x.Header("X-Late"), "")
	}
	x := do(t, envtest.Request{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ab")
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "c")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
	if !slices.Equal(x.Flushed, []int{2, 3}) {
		t.Errorf("flushed at %v", x.Flushed)
	}
}

func TestHandlerPanics(t *testing.T) {
	own := errors.New("own")
	for value, want := range map[error]error{http.ErrAbortHandler: envmap.ErrAbort, own: own} {
		x, err := envtest.Do(envhttp.App(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) })), envtest.Request{})
		if !errors.Is(err, want) {
			t.Errorf("panic(%v): %v", value, err)
		}
		equal(t, "aborted", x.Aborted != nil, value == http.ErrAbortHandler)
	}
}
