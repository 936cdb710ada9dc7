package ringotel

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Option changes how spans are made.
type Option func(*options)

type options struct {
	provider   trace.TracerProvider
	propagator propagation.TextMapPropagator
	public     bool
}

// WithTracerProvider says who makes spans; the default is OpenTelemetry's global one.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(o *options) { o.provider = p }
}

// WithPropagator says how the parent is read; the default is OpenTelemetry's global one, or W3C Trace Context and Baggage
// where none is set.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(o *options) { o.propagator = p }
}

// WithPublic is for a gateway that strangers reach: spans are linked to what requests name as their parent and begin traces
// of their own, so that clients do not decide what is sampled.
func WithPublic() Option { return func(o *options) { o.public = true } }

const scope = "ringway/otel"

func newOptions(opts []Option) *options {
	o := &options{provider: otel.GetTracerProvider(), propagator: otel.GetTextMapPropagator()}
	if len(o.propagator.Fields()) == 0 {
		o.propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
	}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

func (o *options) tracer() trace.Tracer { return o.provider.Tracer(scope) }
