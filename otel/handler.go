package ringotel

import (
	"net/http"
	"net/netip"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// Handler makes a span of each request that h answers. The span's name has the pattern that an http.ServeMux below has found.
func Handler(h http.Handler, opts ...Option) http.Handler {
	o := newOptions(opts)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := o.begin(r.Context(), propagation.HeaderCarrier(r.Header), func() request { return ofRequest(r) })
		if !span.IsRecording() {
			defer span.End()
			h.ServeHTTP(w, r.WithContext(ctx))
			return
		}
		writer := &recorder{ResponseWriter: w}
		name := (&request{method: r.Method}).name()
		r = r.WithContext(ctx)
		returned := false
		defer func() {
			result := outcome{status: writer.status, route: routeOf(r.Pattern)}
			if returned {
				if result.status == 0 && !writer.hijacked {
					result.status = http.StatusOK // what net/http sends then
				}
				result.end(span, name)
				return
			}
			result.panicked = recover()
			result.goexit = result.panicked == nil
			if result.status == 0 && result.panicked != http.ErrAbortHandler {
				result.status = http.StatusInternalServerError
			}
			result.end(span, name)
			if result.panicked != nil {
				panic(result.panicked)
			}
		}()
		h.ServeHTTP(writer, r)
		returned = true
	})
}

func ofRequest(r *http.Request) request {
	remote, _ := netip.ParseAddrPort(r.RemoteAddr)
	about := request{
		method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, scheme: "http", protocol: r.Proto, host: r.Host, remote: remote,
		agent: r.UserAgent(), id: r.Header.Get("X-Request-Id"),
	}
	if r.TLS != nil {
		about.scheme = "https"
	}
	return about
}

// routeOf is the path of a pattern of http.ServeMux, which may begin with a method and a host.
func routeOf(pattern string) string {
	if i := strings.IndexByte(pattern, '/'); i >= 0 {
		return pattern[i:]
	}
	return ""
}
