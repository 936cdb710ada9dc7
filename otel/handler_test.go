package ringotel

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// recording returns options for spans that are kept.
func recording(t *testing.T, more ...sdktrace.TracerProviderOption) ([]Option, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(append(more, sdktrace.WithSyncer(exporter))...)
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return []Option{WithTracerProvider(provider)}, exporter
}

func attributesOf(span tracetest.SpanStub) map[attribute.Key]string {
	all := make(map[attribute.Key]string)
	for _, a := range span.Attributes {
		all[a.Key] = a.Value.String()
	}
	return all
}

func expect(t *testing.T, span tracetest.SpanStub, want map[attribute.Key]string) {
	t.Helper()
	got := attributesOf(span)
	for key, value := range want {
		if v, ok := got[key]; !ok && value != "" || v != value {
			t.Errorf("%s is %q (%v), want %q", key, v, ok, value)
		}
	}
	if t.Failed() {
		t.Logf("%v", got)
	}
}

const (
	parentTrace = "0af7651916cd43dd8448eb211c80319c"
	parentSpan  = "b7ad6b7169203331"
	traceparent = "00-" + parentTrace + "-" + parentSpan + "-01"
)

// outcomes are what a handler or an App does, of one meaning in both worlds.
var outcomes = map[string]struct {
	handler http.HandlerFunc
	app     envmap.App
	status  string // "" is none
	kind    string // error.type
	code    codes.Code
}{
	"nothing": {func(http.ResponseWriter, *http.Request) {}, func(envmap.Env) error { return nil }, "200", "", codes.Unset},
	"not found": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) },
		func(env envmap.Env) error { return env.SetStatus(404) }, "404", "", codes.Unset},
	"unavailable": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		func(env envmap.Env) error { return env.SetStatus(503) }, "503", "503", codes.Error},
	"panic": {func(http.ResponseWriter, *http.Request) { panic("boom") }, func(envmap.Env) error { panic("boom") }, "500", "panic", codes.Error},
	"panic afterwards": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x"); panic("boom") },
		func(env envmap.Env) error { _, _ = env.WriteString(strings.Repeat("x", 1<<20)); panic("boom") }, "200", "panic", codes.Error},
	"abort": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		func(envmap.Env) error { panic(http.ErrAbortHandler) }, "", "panic", codes.Error},
	"error": {nil, func(envmap.Env) error { return errors.New("boom") }, "500", "*errors.errorString", codes.Error},
}

func TestOutcomes(t *testing.T) {
	for name, test := range outcomes {
		check := func(t *testing.T, spans tracetest.SpanStubs) {
			t.Helper()
			if len(spans) != 1 {
				t.Fatalf("%d spans, want one", len(spans))
			}
			span := spans[0]
			expect(t, span, map[attribute.Key]string{"http.response.status_code": test.status, "error.type": test.kind, "http.request.method": "POST"})
			if span.Status.Code != test.code || span.SpanKind != trace.SpanKindServer || span.Name != "POST" {
				t.Errorf("%q: status %v, kind %v, want status %v of a server span", span.Name, span.Status, span.SpanKind, test.code)
			}
		}
		if test.handler != nil {
			t.Run(name+", handler", func(t *testing.T) {
				opts, exporter := recording(t)
				func() {
					defer func() {
						if v := recover(); (v != nil) != (test.kind == "panic") {
							t.Errorf("the panic has become %v", v)
						}
					}()
					Handler(test.handler, opts...).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/x", nil))
				}()
				check(t, exporter.GetSpans())
			})
		}
		t.Run(name+", environment", func(t *testing.T) {
			opts, exporter := recording(t)
			if _, err := envtest.Do(Middleware(opts...)(test.app), envtest.Request{Method: "POST"}); (err != nil) != (test.kind == "panic" || test.kind == "*errors.errorString") {
				t.Errorf("the App's failure has become %v", err)
			}
			check(t, exporter.GetSpans())
		})
	}
}

func TestParentsAndChildren(t *testing.T) {
	for name, test := range map[string]struct {
		given  string
		public bool
		trace  string // "" is another one
		links  int
	}{
		"no parent":               {"", false, "", 0},
		"parent":                  {traceparent, false, parentTrace, 0},
		"parent that is none":     {"00-zz-1-01", false, "", 0},
		"parent, facing clients":  {traceparent, true, "", 1},
		"nothing, facing clients": {"", true, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			opts, exporter := recording(t)
			if test.public {
				opts = append(opts, WithPublic())
			}
			request := httptest.NewRequest("GET", "/", nil)
			fields := []envmap.Field{}
			if test.given != "" {
				request.Header.Set("Traceparent", test.given)
				request.Header.Set("Tracestate", "a=1,b=2")
				fields = append(fields, envmap.Field{Name: "traceparent", Value: test.given}, envmap.Field{Name: "tracestate", Value: "a=1,b=2"})
			}
			var inner []trace.SpanContext
			Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				inner = append(inner, trace.SpanContextFromContext(r.Context()))
				if r.Header.Get("Traceparent") != test.given {
					t.Errorf("the handler sees the parent %q, want %q", r.Header.Get("Traceparent"), test.given)
				}
			}), opts...).ServeHTTP(httptest.NewRecorder(), request)
			own := context.Context(nil)
			chain := func(app envmap.App) envmap.App {
				return func(env envmap.Env) error {
					own = env.Context()
					err := Middleware(opts...)(app)(env)
					if env.Context() != own {
						t.Error("the context outside is not what it was")
					}
					return err
				}
			}
			if _, err := envtest.Do(chain(func(env envmap.Env) error {
				inner = append(inner, trace.SpanContextFromContext(env.Context()))
				return nil
			}), envtest.Request{Fields: fields}); err != nil {
				t.Error(err)
			}
			spans := exporter.GetSpans()
			if len(spans) != 2 {
				t.Fatalf("%d spans, want two", len(spans))
			}
			for i, span := range spans {
				got := span.SpanContext.TraceID().String()
				if got != test.trace && (test.trace != "" || got == parentTrace) || len(span.Links) != test.links {
					t.Errorf("trace %s with %d links, want %q and %d", got, len(span.Links), test.trace, test.links)
				}
				if test.trace != "" && (span.Parent.SpanID().String() != parentSpan || span.SpanContext.TraceState().String() != "a=1,b=2") {
					t.Errorf("parent %v, state %v", span.Parent, span.SpanContext.TraceState())
				}
				if inner[i].SpanID() != span.SpanContext.SpanID() {
					t.Error("the handler's context has another span")
				}
			}
		})
	}
}

func TestWhatASpanSays(t *testing.T) {
	want := map[attribute.Key]string{
		"http.request.method": "GET", "url.path": "/a/b", "url.query": "x=1&sig=REDACTED", "url.scheme": "http", "server.address": "example.org",
		"server.port": "8080", "client.address": "192.0.2.1", "network.peer.port": "40000", "network.protocol.version": "1.1",
		"user_agent.original": "agent/1", "ringway.request_id": "id-1", "ringway.worker": "",
	}
	opts, exporter := recording(t)
	request := httptest.NewRequest("GET", "/a/b?x=1&sig=secret", nil)
	request.Host, request.RemoteAddr = "example.org:8080", "192.0.2.1:40000"
	request.Header = http.Header{"User-Agent": {"agent/1"}, "X-Request-Id": {"id-1"}}
	Handler(http.NotFoundHandler(), opts...).ServeHTTP(httptest.NewRecorder(), request)
	if _, err := envtest.Do(Middleware(opts...)(func(envmap.Env) error { return nil }), envtest.Request{
		Target: "/a/b?x=1&sig=secret", Fields: []envmap.Field{{Name: "Host", Value: "example.org:8080"}, {Name: "User-Agent", Value: "agent/1"}, {Name: "X-Request-Id", Value: "id-1"}},
	}); err != nil {
		t.Fatal(err)
	}
	for _, span := range exporter.GetSpans() {
		expect(t, span, want)
	}
	exporter.Reset()
	Handler(http.NotFoundHandler(), opts...).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("BREW", "/", nil))
	expect(t, exporter.GetSpans()[0], map[attribute.Key]string{"http.request.method": "_OTHER", "http.request.method_original": "BREW"})
	if name := exporter.GetSpans()[0].Name; name != "HTTP" {
		t.Errorf("a client has named a span %q", name)
	}
}

func TestTheRouteNamesTheSpan(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(http.ResponseWriter, *http.Request) {})
	opts, exporter := recording(t)
	handler := Handler(mux, opts...)
	for target, want := range map[string]string{"/items/7": "GET /items/{id}", "/nope": "GET"} {
		exporter.Reset()
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil))
		if got := exporter.GetSpans()[0].Name; got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// TestWritersKeepWhatTheyCan: files reach the writer below as such, and what it cannot do is said.
func TestWritersKeepWhatTheyCan(t *testing.T) {
	opts, exporter := recording(t)
	below := &reads{ResponseRecorder: httptest.NewRecorder()}
	Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.Copy(w, struct{ io.Reader }{strings.NewReader("abc")}); err != nil {
			t.Error(err)
		}
		w.(http.Flusher).Flush()
		if _, _, err := w.(http.Hijacker).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("hijacking: %v", err)
		}
		w.WriteHeader(500) // too late
	}), opts...).ServeHTTP(below, httptest.NewRequest("GET", "/", nil))
	if below.Body.String() != "abc" || !below.read || !below.Flushed {
		t.Errorf("%q, read from %v, flushed %v", below.Body, below.read, below.Flushed)
	}
	expect(t, exporter.GetSpans()[0], map[attribute.Key]string{"http.response.status_code": "200"})
}

type reads struct {
	*httptest.ResponseRecorder
	read bool
}

func (r *reads) ReadFrom(from io.Reader) (int64, error) {
	r.read = true
	return io.Copy(r.ResponseRecorder, from)
}

// TestNothingSampled: the trace goes on all the same, and the writer is the one below.
func TestNothingSampled(t *testing.T) {
	opts, exporter := recording(t, sdktrace.WithSampler(sdktrace.NeverSample()))
	below := httptest.NewRecorder()
	Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := trace.SpanContextFromContext(r.Context()); got.TraceID().String() != parentTrace || got.IsSampled() || w != below {
			t.Errorf("%v, writer %T", got, w)
		}
	}), opts...).ServeHTTP(below, func() *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Traceparent", traceparent)
		return r
	}())
	if n := len(exporter.GetSpans()); n != 0 {
		t.Errorf("%d spans, want none", n)
	}
}
