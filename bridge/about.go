package bridge

import (
	"context"
	"log/slog"

	"ringway/ring"
)

// idAttribute is the attribute of log lines that belong to a request; the gateway's lines have the same.
const idAttribute = "request_id"

// log writes a line that belongs to the request.
func (w *response) log(level slog.Level, text string, attributes ...any) {
	if w.requestID != "" {
		attributes = append(attributes, idAttribute, w.requestID)
	}
	w.ex.lane.att.worker.opts.logger.Log(context.Background(), level, text, attributes...)
}

// aboutBlock is what the log says of a request that is known by its block alone: copies, and nothing if it is unreadable.
func aboutBlock(b ring.Request) []any {
	if !b.Valid() {
		return nil
	}
	method := string(b.MethodName())
	if m := b.Method(); int(m) < len(methodNames) && m != ring.MethodOther {
		method = methodNames[m]
	}
	about := []any{"method", method, "uri", string(b.Target()), "remote", formatRemote(b.Remote())}
	for i := range b.FieldCount() {
		if id, _, value := b.Field(i); id == ring.NameXRequestId {
			return append(about, idAttribute, string(value))
		}
	}
	return about
}
