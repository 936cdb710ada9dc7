package bridge

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"ringway/internal/attempt"
)

// requestContext is the context of one request. Nearly no handler asks for Done, so that the standard context which
// does the work (and knows causes and children without goroutines) is only made when somebody needs it.
type requestContext struct {
	worker  *worker
	local   netip.AddrPort
	attempt uint8
	number  uint64        // of the attachment
	waited  time.Duration // negative: unknown

	mu    sync.Mutex
	cause error // why it was cancelled; nil before that
	inner context.Context
	stop  context.CancelCauseFunc
}

func (c *requestContext) standard() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.stop = context.WithCancelCause(context.Background())
		if c.cause != nil {
			c.stop(c.cause)
		}
	}
	return c.inner
}

func (c *requestContext) cancel(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return
	}
	c.cause = cause
	if c.stop != nil {
		c.stop(cause)
	}
}

// Deadline reports that there is none.
func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when the request is cancelled or its handler has returned.
func (c *requestContext) Done() <-chan struct{} { return c.standard().Done() }

// Err is context.Canceled after that.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return context.Canceled
	}
	return nil
}

// Value knows the keys of net/http; package context asks it for its own, to find the standard context.
func (c *requestContext) Value(key any) any {
	switch key {
	case http.ServerContextKey:
		return c.worker.server
	case http.LocalAddrContextKey:
		return c.localAddr()
	case attempt.Key{}:
		return c.attempt
	case infoKey{}:
		return c.info()
	}
	c.mu.Lock()
	inner, cancelled := c.inner, c.cause != nil
	c.mu.Unlock()
	if inner == nil {
		if !cancelled {
			return nil
		}
		inner = c.standard() // so that context.Cause finds the cause
	}
	return inner.Value(key)
}

func (c *requestContext) localAddr() net.Addr {
	if !c.local.IsValid() {
		return &net.UnixAddr{Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(c.local)
}

func (c *requestContext) String() string { return "bridge.Context" }
