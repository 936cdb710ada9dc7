package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"ringway/envmap"
)

// Serve attaches to the gateway and answers its requests with h, until ctx is cancelled, the gateway has drained this
// worker, or the gateway is gone and WithReattach is off.
//
// A gateway that is upgraded asks the worker to attach to the next one, too: it then serves both until the first lets it go.
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

// maxSessions bounds the attachments at a time. Two are usual while a gateway is upgraded.
const maxSessions = 4

// session is one attachment, from the attempt to its end.
type session struct {
	beside  []int        // gateways that the worker was attached to when it began
	gateway atomic.Int64 // process id that the gateway calls its own; 0 before the attachment
	letGo   atomic.Bool  // the gateway has said that no requests will come any more
	err     error        // why it ended; nil: the worker's work with that gateway is done
}

// sessions are the attachments of a worker. They belong to the goroutine that runs serve.
type sessions struct {
	worker *worker
	ctx    context.Context
	live   map[*session]bool
	began  time.Time     // the latest
	again  chan *session // was asked for another one
	ended  chan *session
	lost   error // of a session that ended while all others had been let go
}

// serve keeps the worker attached. A gateway may ask it to attach to the next one as well; the worker goes on for as long
// as one attachment is left.
func (w *worker) serve(ctx context.Context) error {
	s := &sessions{worker: w, ctx: ctx, live: make(map[*session]bool), again: make(chan *session, maxSessions), ended: make(chan *session)}
	for backoff := firstBackoff; ctx.Err() == nil; {
		err := s.run()
		switch {
		case err == nil:
			return nil
		case !w.opts.reattach || errors.Is(err, errFatal):
			return err
		case ctx.Err() != nil:
			return nil
		}
		if time.Since(s.began) > steadyTime {
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
	return nil
}

// run begins a session, and others when gateways ask for them, and returns how the last one ended.
func (s *sessions) run() error {
	s.begin()
	for {
		select {
		case from := <-s.again:
			if s.live[from] && s.ctx.Err() == nil && len(s.live) < maxSessions {
				s.begin()
			}
		case over := <-s.ended:
			if last, err := s.end(over); last {
				return err
			}
			s.worker.opts.logger.Info("ringway: detached, others go on", "gateway_pid", over.gateway.Load(), "others", len(s.live), "error", over.err)
		}
	}
}

// end takes a session off and tells whether it was the last one, and then how the attachments ended. Two that end at the same
// time are heard of in any order: that of a gateway which was lost counts, not that of one which had let the worker go before.
func (s *sessions) end(over *session) (last bool, err error) {
	delete(s.live, over)
	if len(s.live) == 0 {
		lost := s.lost
		s.lost = nil
		if over.err == nil {
			return true, lost
		}
		return true, over.err
	}
	going := true
	for other := range s.live {
		going = going && other.letGo.Load()
	}
	if going && over.err != nil {
		s.lost = over.err
	}
	return false, nil
}

func (s *sessions) begin() {
	next := &session{}
	for other := range s.live {
		if pid := other.gateway.Load(); pid != 0 {
			next.beside = append(next.beside, int(pid))
		}
	}
	s.live[next] = true
	s.began = time.Now()
	go func() {
		next.err = s.worker.session(s.ctx, next, func() { s.reattach(next) })
		s.ended <- next
	}()
}

// reattach asks for one more session. It does not wait.
func (s *sessions) reattach(from *session) {
	select {
	case s.again <- from:
	default: // asked often enough
	}
}

// session is one attachment, from hello to the end. nil means that the worker's work with that gateway is done.
func (w *worker) session(ctx context.Context, s *session, reattach func()) error {
	c, err := dial(w.opts.socket)
	if err != nil {
		return err
	}
	defer c.close()
	stop := context.AfterFunc(ctx, c.interrupt) // an attach that does not come must not keep us
	att, err := w.attach(c, s.beside)
	if !stop() && err == nil {
		err = errors.Join(c.uninterrupt())
	}
	if err != nil {
		return err
	}
	s.gateway.Store(int64(att.gateway))
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
	return w.follow(ctx, c, att, s, reattach)
}

// follow obeys the control socket until the attachment ends.
func (w *worker) follow(ctx context.Context, c *control, att *attachment, s *session, reattach func()) error {
	drain, closed := make(chan struct{}), make(chan error, 1)
	go func() { closed <- c.listen(drain, reattach) }()
	leave, leaving := ctx.Done(), false
	for {
		select {
		case <-leave:
			leave, leaving = nil, true
			if err := c.send(message{Type: typeLeaving}); err != nil {
				return nil // nobody is left to let us go
			}
		case <-drain:
			s.letGo.Store(true)
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
