// Package ringotel makes OpenTelemetry spans of the requests that a worker serves.
//
//	handler = ringotel.Handler(handler)                 // of net/http
//	app = ringotel.Middleware()(app)                    // of package envmap
//
// Each request is a span of kind server with the attributes of OpenTelemetry's semantic conventions for HTTP. Its parent is
// what the request's fields name: traceparent and tracestate, which the gateway passes as they are, or whatever the
// propagator reads. The handler finds the span in its context. What is sampled, and where spans go, is the business of the
// TracerProvider; without one nothing is recorded.
//
// Behind a gateway a span also has
//
//	ringway.request_id       string: X-Request-Id, as the access log and the log lines of gateway and worker have it
//	ringway.worker           int: the gateway's number for the worker
//	ringway.release          string: the worker's release
//	ringway.attempt          int: 1 if the worker that had the request before died
//	ringway.queue.duration   double, seconds: from when the gateway put it into the worker's ring until the handler began
//
// A span begins and ends with its handler: it is an error if the status is 500 or more, or the handler failed or panicked.
package ringotel
