package ringotel

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"ringway/bridge"
)

// Attributes of Ringway's own.
const (
	RequestIDKey     = attribute.Key("ringway.request_id")
	WorkerKey        = attribute.Key("ringway.worker")
	ReleaseKey       = attribute.Key("ringway.release")
	AttemptKey       = attribute.Key("ringway.attempt")
	QueueDurationKey = attribute.Key("ringway.queue.duration")
)

// request is what a span says of a request, of either kind.
type request struct {
	method, path, query, scheme string
	protocol                    string // HTTP/1.1
	host                        string // with a port, if it has one
	remote                      netip.AddrPort
	agent, id                   string
}

// methods are those that the semantic conventions know; names of spans and attributes must not be what clients invent.
var methods = map[string]attribute.KeyValue{
	"CONNECT": semconv.HTTPRequestMethodConnect, "DELETE": semconv.HTTPRequestMethodDelete, "GET": semconv.HTTPRequestMethodGet,
	"HEAD": semconv.HTTPRequestMethodHead, "OPTIONS": semconv.HTTPRequestMethodOptions, "PATCH": semconv.HTTPRequestMethodPatch,
	"POST": semconv.HTTPRequestMethodPost, "PUT": semconv.HTTPRequestMethodPut, "QUERY": semconv.HTTPRequestMethodQuery,
	"TRACE": semconv.HTTPRequestMethodTrace,
}

// name is a span's while its route is unknown.
func (r *request) name() string {
	if _, known := methods[r.method]; known {
		return r.method
	}
	return "HTTP"
}

// begin starts the span; what it says is only put together if it is recorded.
func (o *options) begin(ctx context.Context, carrier propagation.TextMapCarrier, r func() request) (context.Context, trace.Span) {
	parent := o.propagator.Extract(ctx, carrier)
	about := r()
	start := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(about.attributes(ctx)...)}
	if remote := trace.SpanContextFromContext(parent); o.public && remote.IsValid() {
		start = append(start, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: remote}))
	}
	return o.tracer().Start(parent, about.name(), start...)
}

// attributes are those that are known when the span begins, so that samplers see them.
func (r *request) attributes(ctx context.Context) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, 20)
	if known, ok := methods[r.method]; ok {
		all = append(all, known)
	} else {
		all = append(all, semconv.HTTPRequestMethodOther, semconv.HTTPRequestMethodOriginal(r.method))
	}
	all = append(all, semconv.URLPath(r.path), semconv.URLScheme(r.scheme))
	if r.query != "" {
		all = append(all, semconv.URLQuery(redact(r.query)))
	}
	if _, version, ok := strings.Cut(r.protocol, "/"); ok {
		all = append(all, semconv.NetworkProtocolName("http"), semconv.NetworkProtocolVersion(version))
	}
	if r.host != "" {
		all = appendServer(all, r.host)
	}
	if r.remote.IsValid() {
		address, port := r.remote.Addr().String(), int(r.remote.Port())
		all = append(all, semconv.ClientAddress(address), semconv.ClientPort(port), semconv.NetworkPeerAddress(address), semconv.NetworkPeerPort(port))
	}
	if r.agent != "" {
		all = append(all, semconv.UserAgentOriginal(r.agent))
	}
	if r.id != "" {
		all = append(all, RequestIDKey.String(r.id))
	}
	if info, ok := bridge.RequestInfo(ctx); ok {
		all = append(all, WorkerKey.Int64(int64(info.Worker)), ReleaseKey.String(info.Release), AttemptKey.Int(info.Attempt))
		if info.Waited >= 0 {
			all = append(all, QueueDurationKey.Float64(info.Waited.Seconds()))
		}
	}
	return all
}

func appendServer(all []attribute.KeyValue, host string) []attribute.KeyValue {
	name, text, err := net.SplitHostPort(host)
	if err != nil {
		return append(all, semconv.ServerAddress(strings.Trim(host, "[]")))
	}
	all = append(all, semconv.ServerAddress(name))
	if port, err := strconv.Atoi(text); err == nil {
		all = append(all, semconv.ServerPort(port))
	}
	return all
}

// secrets are the parameters whose values the semantic conventions want to be left out.
var secrets = map[string]bool{"AWSAccessKeyId": true, "Signature": true, "sig": true, "X-Goog-Signature": true}

func redact(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, _, ok := strings.Cut(part, "="); ok && secrets[name] {
			parts[i] = name + "=REDACTED"
		}
	}
	return strings.Join(parts, "&")
}

// outcome is how a handler ended.
type outcome struct {
	status   int    // 0: none was sent
	failure  error  // what an App returned
	panicked any    // nil: it returned
	goexit   bool   // it ended its goroutine
	route    string // empty if unknown
}

func (r *outcome) end(span trace.Span, name string) {
	if r.route != "" {
		span.SetName(name + " " + r.route)
		span.SetAttributes(semconv.HTTPRoute(r.route))
	}
	if r.status != 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(r.status))
	}
	switch {
	case r.panicked != nil:
		span.SetAttributes(semconv.ErrorTypeKey.String("panic"))
		span.SetStatus(codes.Error, "the handler panicked")
	case r.goexit:
		span.SetAttributes(semconv.ErrorTypeKey.String("goexit"))
		span.SetStatus(codes.Error, "the handler ended its goroutine")
	case r.failure != nil:
		span.SetAttributes(semconv.ErrorType(r.failure))
		span.RecordError(r.failure)
		span.SetStatus(codes.Error, r.failure.Error())
	case r.status >= 500:
		span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(r.status)))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
