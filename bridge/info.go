package bridge

import (
	"context"
	"time"
)

// Info is what is known of a request beside what its client sent, for traces and logs.
type Info struct {
	Worker  uint64 // the gateway's number for the attachment that the request came by
	Release string // of this worker
	Attempt int    // how often the request was given to a handler before: 0 or 1
	// Waited is the time from when the gateway put the request into this worker's ring until its handler began; negative if
	// that is unknown. What it waited in the gateway before is not in it.
	Waited time.Duration
}

type infoKey struct{}

// RequestInfo tells of the request that ctx, or the context that it was made of, is of; false if that came by another server.
func RequestInfo(ctx context.Context) (Info, bool) {
	info, ok := ctx.Value(infoKey{}).(Info)
	return info, ok
}

func (c *requestContext) info() Info {
	return Info{Worker: c.number, Release: c.worker.opts.release, Attempt: int(c.attempt), Waited: c.waited}
}

// waited is how long the exchange was in the ring and in the private queue. A time that cannot be true is unknown.
func (ex *exchange) waited() time.Duration {
	if ex.publishedNs == 0 || ex.startedNs == 0 || ex.publishedNs > ex.startedNs {
		return -1
	}
	return time.Duration(ex.startedNs - ex.publishedNs)
}
