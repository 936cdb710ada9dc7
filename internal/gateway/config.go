package gateway

import (
	"log/slog"
	"os"
	"syscall"
	"time"

	"ringway/internal/accesslog"
	"ringway/internal/supervisor"
	"ringway/ring"
)

// Config is everything about a gateway but its engine. Values are checked by who uses them.
type Config struct {
	// Listen are the addresses for clients, see package listen.
	Listen []string
	// ListenProxy are the addresses for proxies, whose connections begin with a PROXY header.
	ListenProxy []string
	// Backlog is the length of their accept queues, UnixMode the access mode of unix sockets (0: by umask).
	Backlog  int
	UnixMode os.FileMode
	// Admin is HOST:PORT or unix:PATH of the admin server; empty for none. AdminToken is what its requests have to bear;
	// empty for none.
	Admin      string
	AdminToken string
	// LogLevel is that of the log, which the admin server changes; nil where it cannot.
	LogLevel *slog.LevelVar
	// Socket is the path of the control socket.
	Socket string
	// SocketUsers may attach workers besides the own user and root.
	SocketUsers []uint32
	// Loops is the number of the engine's loops.
	Loops int
	// Geometry is the size of each worker's segments, with one lane per loop.
	Geometry ring.Geometry
	// MaxWorkers and MemoryLimit (bytes) bound what is attached at a time.
	MaxWorkers  int
	MemoryLimit int64
	// Program is what the gateway starts as workers; nil if workers come by themselves.
	Program *Program
	// ReadyWorkers is how many workers that come by themselves make a new release ready; of those that the gateway
	// starts it is all of them. ReadyLimit is how long that may take.
	ReadyWorkers int
	ReadyLimit   time.Duration
	// Probe is the path that each worker of a new release is asked for before it gets requests; empty for none.
	Probe string
	// StuckLimit is how long a worker may be stuck before it is ended; 0: for ever.
	StuckLimit time.Duration
	// Confirm is how long the release before stands by once another is active.
	Confirm time.Duration
	// Recycle says when workers that the gateway starts make way for fresh ones, Breaker when those that keep ending are
	// not started again.
	Recycle Recycle
	Breaker supervisor.Breaker
	// DrainDelay is how long a gateway that was told to stop still takes connections, so that load balancers learn of it.
	DrainDelay time.Duration
	// DrainLimit is how long exchanges may take to finish once the gateway or their worker stops.
	DrainLimit time.Duration
	// AccessLog is opened, but not started; nil for none. The gateway closes it.
	AccessLog *accesslog.Log
	// Version is the gateway's own.
	Version string
	// Self is the absolute path that the gateway was started by, with links.
	Self string
	// Handover is what another gateway has started this one with; nil for one that was started otherwise.
	Handover *Handover
}

// Program is a worker that the gateway starts.
type Program struct {
	// Argv is the absolute path of the executable, and its arguments.
	Argv []string
	// Build is the file to run whatever that path leads to now; empty: what it leads to.
	Build string
	// Count is how many of it run.
	Count int
	// Credential is the user that it runs as; nil for the gateway's own.
	Credential *syscall.Credential
}

const (
	// helloTimeout and readyTimeout bound the silence of a worker that attaches.
	helloTimeout = 5 * time.Second
	readyTimeout = 60 * time.Second
	// lastWorkerGrace is how long the last worker that wants to leave still gets requests, outside a shutdown: when a
	// container or service manager tells both processes to stop, the worker may hear it first.
	lastWorkerGrace = 250 * time.Millisecond
	// cutGrace bounds the wait for Quiet after Cut, and killGrace the wait for workers after they were let go, when the
	// drain limit has passed or a second signal came.
	cutGrace = 2 * time.Second
	// streamGrace is what a worker has, past the drain limit, to let go of upgraded connections that were cut.
	streamGrace = 500 * time.Millisecond
	killGrace   = 2 * time.Second
	// accessLogGrace bounds the wait for whoever takes the last lines of the access log.
	accessLogGrace = 5 * time.Second
	// releaseGrace bounds the wait for the end of killed processes and for Released.
	releaseGrace = 2 * time.Second
)

// InputError is a failure to start that the operator's input caused: an address, a path, an executable.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }
