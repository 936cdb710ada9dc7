package bridge

import (
	"log/slog"
	"net/http"
	"net/url"
	"runtime"

	"ringway/ring"
)

// httpExchange is everything of one request that an http.Handler may keep: one allocation, never reused.
type httpExchange struct {
	context  requestContext
	url      url.URL
	body     requestBody
	response response
}

// begin ties x to a claimed exchange. The lane is locked.
func (x *httpExchange) begin(ex *exchange) {
	x.context.worker = ex.lane.att.worker
	x.context.number, x.context.waited = ex.lane.att.number, ex.waited()
	if ex.halfGone {
		x.context.cause = ErrHalfClosed
	}
	ex.context = &x.context
	x.body.ex, x.body.generation = ex, ex.generation
	x.response.ex, x.response.sender, x.response.generation = ex, &ex.sender, ex.generation
	x.response.declared = -1
}

// runHTTP calls the handler for a claimed exchange.
func (w *worker) runHTTP(ex *exchange, x *httpExchange) {
	block, err := ring.ParseRequest(ex.lane.ring.Inbound(ex.head))
	var r *http.Request
	if err == nil {
		r, err = w.request(block, x)
	}
	if err != nil {
		about := aboutBlock(block) // as long as the block is lent
		ex.sender.abort(500)
		w.opts.logger.Error("ringway: unreadable request", append(about, "error", err)...)
		return
	}
	x.response.isHead = block.Method() == ring.MethodHead
	x.body.trailer = &r.Trailer
	returned := false
	defer func() {
		if !returned {
			// A panic, or runtime.Goexit, for which recover gives nil and the goroutine ends after us.
			w.recovered(recover(), x, r)
		}
	}()
	w.handler.ServeHTTP(&x.response, r)
	returned = true
	if err := x.response.end(); err != nil && !ex.lane.att.gone(err) {
		x.response.log(slog.LevelError, "ringway: response cut off", "method", r.Method, "uri", r.RequestURI, "error", err)
	}
	x.context.cancel(errHandlerReturned)
}

// recovered ends the exchange of a handler that did not return.
func (w *worker) recovered(v any, x *httpExchange, r *http.Request) {
	status := uint16(500)
	switch v {
	case http.ErrAbortHandler:
		status = 0
	case nil:
		x.response.log(slog.LevelError, "ringway: handler ended its goroutine", "method", r.Method, "uri", r.RequestURI)
	default:
		stack := make([]byte, 64<<10)
		stack = stack[:runtime.Stack(stack, false)]
		x.response.log(slog.LevelError, "ringway: handler panicked", "method", r.Method, "uri", r.RequestURI, "remote", r.RemoteAddr,
			"panic", v, "stack", string(stack))
	}
	x.response.abort(status)
	x.context.cancel(errHandlerReturned)
}
