package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"ringway/envmap"
)

// Serve attaches to the gateway and answers its requests with h, until ctx is cancelled, the gateway has drained this
// worker, or the gateway is gone and WithReattach is off.
//
// When ctx is cancelled the worker tells the gateway that it wants to leave, and goes on serving until the gateway lets
// it go; Serve then returns nil. It also returns nil after the gateway drained it by itself. An error says why the
// worker could not attach or lost its gateway; it wraps [ErrRefused] if the gateway did not want it.
func Serve(ctx context.Context, h http.Handler, opts ...Option) error {
	if h == nil {
		h = http.DefaultServeMux
	}
	return newWorker(newOptions(opts), h, nil).serve(ctx)
}

// ServeEnv is Serve for an environment application.
func ServeEnv(ctx context.Context, app envmap.App, opts ...Option) error {
	if app == nil {
		return errors.New("bridge: ServeEnv needs an application")
	}
	return ServeStartup(ctx, func(b *envmap.Builder) (envmap.App, error) { return b.Run(app) }, opts...)
}

// ServeStartup is ServeEnv for an application that wants to know the start-up properties, or to be built in a chain.
// startup is called once, when the worker has attached for the first time and before it says that it is ready, and so are
// the callbacks of server.OnInit; their error ends ServeStartup. A gateway waits a minute for that. server.OnDispose fires
// before ServeStartup returns: after the last request, except for those that a gateway's death cut off.
func ServeStartup(ctx context.Context, startup envmap.Startup, opts ...Option) error {
	if startup == nil {
		return errors.New("bridge: ServeStartup needs a function")
	}
	w := newWorker(newOptions(opts), nil, nil)
	w.startup = startup
	defer w.dispose()
	return w.serve(ctx)
}

// Waits between attempts to attach.
const (
	firstBackoff = 50 * time.Millisecond
	lastBackoff  = 2 * time.Second
	steadyTime   = 5 * time.Second // an attachment that lasted longer starts the waits anew
)

func (w *worker) serve(ctx context.Context) error {
	backoff := firstBackoff
	for {
		if ctx.Err() != nil {
			return nil
		}
		began := time.Now()
		err := w.session(ctx)
		switch {
		case err == nil:
			return nil
		case !w.opts.reattach || errors.Is(err, errFatal):
			return err
		case ctx.Err() != nil:
			return nil
		}
		if time.Since(began) > steadyTime {
			backoff = firstBackoff
		}
		w.opts.logger.Info("ringway: no gateway, trying again", "socket", w.opts.socket, "in", backoff, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// session is one attachment, from hello to the end. nil means that the worker's work is done.
func (w *worker) session(ctx context.Context) error {
	c, err := dial(w.opts.socket)
	if err != nil {
		return err
	}
	defer c.close()
	stop := context.AfterFunc(ctx, c.interrupt) // an attach that does not come must not keep us
	att, err := w.attach(c)
	if !stop() && err == nil {
		err = errors.Join(c.uninterrupt())
	}
	if err != nil {
		return err
	}
	defer att.fail(ErrGatewayGone)
	if err := w.begin(ctx, att); err != nil {
		return fmt.Errorf("%w: %w", errFatal, err)
	}
	att.start()
	if err := c.send(message{Type: typeReady}); err != nil {
		return err
	}
	w.opts.logger.Info("ringway: attached", "worker", att.number, "lanes", len(att.lanes), "release", w.opts.release,
		"dispatch", w.opts.dispatch.String())
	return w.follow(ctx, c, att)
}

// follow obeys the control socket until the attachment ends.
func (w *worker) follow(ctx context.Context, c *control, att *attachment) error {
	drain, closed := make(chan struct{}), make(chan error, 1)
	go func() { closed <- c.listen(drain) }()
	leave, leaving := ctx.Done(), false
	for {
		select {
		case <-leave:
			leave, leaving = nil, true
			if err := c.send(message{Type: typeLeaving}); err != nil {
				return nil // nobody is left to let us go
			}
		case <-drain:
			att.settle()
			return nil
		case err := <-closed:
			if leaving {
				return nil
			}
			return fmt.Errorf("%w: %w", ErrGatewayGone, err)
		case <-att.ended:
			if leaving {
				return nil
			}
			return att.cause
		}
	}
}
