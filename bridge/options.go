package bridge

import (
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"time"
)

// Option changes how [Serve] and [ServeEnv] work.
type Option func(*options)

type options struct {
	socket      string
	release     string
	dispatch    Dispatch
	maxHandlers int
	logger      *slog.Logger
	reattach    bool
	spin        time.Duration
}

// DefaultSocket is the control socket when neither WithSocket nor RINGWAY_SOCKET names one.
const DefaultSocket = "/run/ringway/control.sock"

// DefaultMaxHandlers is how many handlers of a worker may run at once, unless WithMaxHandlers says otherwise.
const DefaultMaxHandlers = 4096

func newOptions(opts []Option) *options {
	o := &options{
		socket:      os.Getenv("RINGWAY_SOCKET"),
		maxHandlers: DefaultMaxHandlers,
		logger:      slog.Default(),
		reattach:    os.Getenv("RINGWAY_SUPERVISED") != "1",
	}
	if o.socket == "" {
		o.socket = DefaultSocket
	}
	for _, opt := range opts {
		opt(o)
	}
	if o.release == "" {
		o.release = DefaultRelease()
	}
	return o
}

// perLane is how many handlers may run at once on each of the lanes: at least one.
func (o *options) perLane(lanes int) int {
	n := o.maxHandlers
	switch o.dispatch.mode {
	case modeInline:
		return 1
	case modePool:
		n = o.dispatch.n
	}
	return max(1, (n+lanes-1)/lanes)
}

// WithSocket names the gateway's control socket; the default is the environment's RINGWAY_SOCKET, else DefaultSocket.
func WithSocket(path string) Option { return func(o *options) { o.socket = path } }

// WithRelease names the build: workers of one release share the load. The default is DefaultRelease.
func WithRelease(name string) Option { return func(o *options) { o.release = name } }

// WithDispatch says which goroutines run handlers; the default is Auto.
func WithDispatch(d Dispatch) Option { return func(o *options) { o.dispatch = d } }

// WithMaxHandlers bounds the handlers that run at once (Auto only); requests beyond it wait. It is split evenly over the
// lanes, at least one for each.
func WithMaxHandlers(n int) Option { return func(o *options) { o.maxHandlers = max(1, n) } }

// WithLogger says where panics and attachments are logged; the default is slog.Default().
func WithLogger(l *slog.Logger) Option {
	return func(o *options) {
		if l != nil {
			o.logger = l
		}
	}
}

// WithReattach says whether a worker that lost its gateway looks for a new one. The default is true, unless the
// environment's RINGWAY_SUPERVISED is 1: a new gateway starts its own workers.
func WithReattach(on bool) Option { return func(o *options) { o.reattach = on } }

// WithSpin says how long a reader waits awake for the next request before it sleeps, while requests come one by one and
// faster than that; 0, the default, is not at all. It answers a lone client sooner, and keeps a processor busy meanwhile.
func WithSpin(d time.Duration) Option { return func(o *options) { o.spin = min(max(d, 0), maxSpin) } }

type mode uint8

const (
	modeAuto mode = iota
	modeInline
	modePool
)

// Dispatch is a way of running handlers; the zero value is Auto.
type Dispatch struct {
	mode mode
	n    int
}

// Auto runs handlers on the goroutines that read the rings, which take turns; there are more of them when handlers
// block. It suits every handler.
var Auto = Dispatch{}

// Inline runs one handler at a time per lane (event loop of the gateway), on the goroutine that reads it. It is for
// handlers that compute and never wait: while one waits for anything but its own request and response, the requests
// behind it wait too, and it does not learn that its client has gone.
var Inline = Dispatch{mode: modeInline}

// Pool runs handlers on n goroutines, split evenly over the lanes, at least one for each.
func Pool(n int) Dispatch {
	if n < 1 {
		n = runtime.GOMAXPROCS(0)
	}
	return Dispatch{mode: modePool, n: n}
}

// String names the dispatch as command lines do.
func (d Dispatch) String() string {
	switch d.mode {
	case modeInline:
		return "inline"
	case modePool:
		return "pool(" + strconv.Itoa(d.n) + ")"
	}
	return "auto"
}
