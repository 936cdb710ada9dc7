// Package native is the gateway's data plane: libuv event loops in C that own the sockets, parse HTTP and exchange events
// with workers through shared memory. This package is the only one that uses cgo; it adds no Go code to the request path.
//
// A Gateway is made with New, given listeners and workers, run with Start, and ended with StopAccepting, Cut and Close. All
// methods may be called from any goroutine. What happens inside is told through Notices and Stats.
package native

/*
#cgo pkg-config: libuv
#cgo CFLAGS: -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wshadow -Wconversion -fno-strict-aliasing
#cgo LDFLAGS: -lpthread
#include <stdlib.h>
#include "gw.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringway/ring"
)

// Config are the settings of a gateway that the loops need. Zero values are not replaced by defaults.
type Config struct {
	Loops         int               // event-loop threads, 1 to 64
	NativePaths   map[string]string // exact path -> text/plain answer to GET and HEAD, without a worker
	ServerName    string            // Server field; "" for none
	ParkLimit     int               // requests a loop holds while no worker can take them
	QueueDeadline time.Duration     // how long a request may wait for a handler before 503
	Spin          time.Duration     // how long a loop waits for an answer before it sleeps; 0: not at all
	PipelineDepth int               // requests of one connection that are under way at a time, 1 to 256
	MaxBody       int64             // bytes of a request body
	HeadTimeout   time.Duration     // a whole head, from its first byte; the first one from the connection's beginning. 0, as below: without end
	IdleTimeout   time.Duration     // between two requests
	BodyTimeout   time.Duration     // without a byte of a request body
	BodyRate      int               // bytes a second that a body must have on average, after one body timeout
	SendTimeout   time.Duration     // without the client taking a byte
	LineBytes     int               // request line
	HeadBytes     int               // all header fields
	Fields        int               // header fields, 1 to 256
}

func milliseconds(d time.Duration) C.uint64_t { return C.uint64_t(max(d.Milliseconds(), 0)) }

// Attachment is a worker's shared memory, mapped writable, and the gateway's ends of its wake-up sockets.
type Attachment struct {
	Worker   uint64 // never reused
	Inbound  []byte
	Outbound []byte
	Geometry ring.Geometry
	Sockets  []int // one per lane; owned by the Gateway after Attach has succeeded
}

// Gateway is a running data plane.
type Gateway struct {
	gw      *C.struct_gw
	loops   int
	notices chan Notice
	running sync.WaitGroup
	closing sync.Once
	started bool
}

// New makes a gateway; it does nothing until Start.
func New(config Config) (*Gateway, error) {
	if config.Loops < 1 || config.Loops > C.RING_MAX_LANES {
		return nil, fmt.Errorf("loops: %d, expected 1 to %d", config.Loops, C.RING_MAX_LANES)
	}
	if config.PipelineDepth < 1 || config.PipelineDepth > 256 {
		return nil, fmt.Errorf("pipeline depth: %d, expected 1 to 256", config.PipelineDepth)
	}
	if config.Fields < 1 || config.Fields > 256 {
		return nil, fmt.Errorf("header fields: %d, expected 1 to 256", config.Fields)
	}
	if config.LineBytes < 16 || config.HeadBytes < 16 || config.LineBytes+config.HeadBytes > 48<<10 {
		return nil, fmt.Errorf("request line and header bytes: %d and %d, expected at least 16 each and 49152 together", config.LineBytes, config.HeadBytes)
	}
	c := C.struct_gw_config{
		loops:             C.uint32_t(config.Loops),
		park_limit:        C.uint32_t(max(config.ParkLimit, 0)),
		queue_deadline_ms: C.uint64_t(config.QueueDeadline.Milliseconds()),
		spin_ns:           C.uint64_t(max(config.Spin, 0)),
		head_timeout_ms:   milliseconds(config.HeadTimeout),
		idle_timeout_ms:   milliseconds(config.IdleTimeout),
		body_timeout_ms:   milliseconds(config.BodyTimeout),
		send_timeout_ms:   milliseconds(config.SendTimeout),
		body_rate:         C.uint64_t(max(config.BodyRate, 0)),
		max_body:          C.uint64_t(max(config.MaxBody, 0)),
		pipeline:          C.uint32_t(config.PipelineDepth),
		line_bytes:        C.uint32_t(config.LineBytes),
		head_bytes:        C.uint32_t(config.HeadBytes),
		fields:            C.uint32_t(config.Fields),
		server_name:       C.CString(config.ServerName),
	}
	defer C.free(unsafe.Pointer(c.server_name))
	if n := len(config.NativePaths); n > 0 {
		paths := unsafe.Slice((*C.struct_gw_native_path)(C.calloc(C.size_t(n), C.sizeof_struct_gw_native_path)), n)
		i := 0
		for path, body := range config.NativePaths {
			paths[i] = C.struct_gw_native_path{path: C.CString(path), body: C.CString(body)}
			i++
		}
		defer func() {
			for _, p := range paths {
				C.free(unsafe.Pointer(p.path))
				C.free(unsafe.Pointer(p.body))
			}
			C.free(unsafe.Pointer(&paths[0]))
		}()
		c.native_paths = &paths[0]
		c.native_path_count = C.uint32_t(n)
	}
	g := &Gateway{loops: config.Loops, notices: make(chan Notice, 64)}
	if rc := C.gw_new(&c, &g.gw); rc != 0 {
		return nil, fmt.Errorf("starting event loops: %w", errno(rc))
	}
	return g, nil
}

func errno(rc C.int) error {
	return syscall.Errno(-rc)
}

// AddListener hands over one bound, listening, non-blocking socket per loop (or one descriptor repeated, which is then duplicated).
func (g *Gateway) AddListener(fds []int) error {
	if len(fds) != g.loops {
		return fmt.Errorf("listener has %d sockets, expected one for each of %d loops", len(fds), g.loops)
	}
	seen := map[int]bool{}
	for i, fd := range fds {
		if seen[fd] {
			dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0) // in one step: workers are started meanwhile
			if err != nil {
				return fmt.Errorf("duplicating listening socket %d: %w", fd, err)
			}
			fd = dup
		}
		seen[fd] = true
		if rc := C.gw_listen(g.gw, C.uint32_t(i), C.int(fd)); rc != 0 {
			return fmt.Errorf("listening socket %d: %w", fd, errno(rc))
		}
	}
	return nil
}

// Start runs the loops, each on its own thread.
func (g *Gateway) Start() error {
	if g.started {
		return errors.New("gateway was started already")
	}
	g.started = true
	for i := range g.loops {
		g.running.Add(1)
		go func() {
			runtime.LockOSThread()
			defer g.running.Done()
			C.gw_run_loop(g.gw, C.uint32_t(i))
		}()
	}
	go g.forward()
	return nil
}

// Attach gives a worker's segments to the loops. It gets no requests before Activate.
func (g *Gateway) Attach(a Attachment) error {
	if a.Geometry.Lanes != g.loops || len(a.Sockets) != g.loops {
		return fmt.Errorf("worker %d has %d lanes and %d sockets, expected %d", a.Worker, a.Geometry.Lanes, len(a.Sockets), g.loops)
	}
	sockets := (*[C.RING_MAX_LANES]C.int)(C.calloc(C.RING_MAX_LANES, C.sizeof_int))
	defer C.free(unsafe.Pointer(sockets))
	for i, fd := range a.Sockets {
		sockets[i] = C.int(fd)
	}
	c := C.struct_gw_attachment{
		worker:         C.uint64_t(a.Worker),
		inbound:        (*C.uint8_t)(unsafe.Pointer(&a.Inbound[0])),
		outbound:       (*C.uint8_t)(unsafe.Pointer(&a.Outbound[0])),
		ring_slots:     C.uint32_t(a.Geometry.RingSlots),
		exchange_slots: C.uint32_t(a.Geometry.ExchangeSlots),
		arena_units:    C.uint32_t(a.Geometry.ArenaUnits),
		sockets:        &sockets[0],
	}
	if rc := C.gw_attach(g.gw, &c); rc != 0 {
		return fmt.Errorf("attaching worker %d: %w", a.Worker, errno(rc))
	}
	return nil
}

// Activate lets an attached worker take requests.
func (g *Gateway) Activate(worker uint64) { C.gw_activate(g.gw, C.uint64_t(worker)) }

// Drain gives a worker nothing new; Notice Idle follows when its last exchange has ended.
func (g *Gateway) Drain(worker uint64) { C.gw_drain(g.gw, C.uint64_t(worker)) }

// Detach says that a worker is gone. Its finished answers are still sent, its other requests re-dispatched or failed; Notice
// Released follows when its segments are no longer needed.
func (g *Gateway) Detach(worker uint64) { C.gw_detach(g.gw, C.uint64_t(worker)) }

// StopAccepting closes listeners and idle connections; the others close after their answer. Notice Quiet follows.
func (g *Gateway) StopAccepting() { C.gw_stop_accepting(g.gw) }

// Cut ends all connections at once.
func (g *Gateway) Cut() { C.gw_cut(g.gw) }

// Close ends the loops and waits for them. Segments may be unmapped afterwards. Notices is closed.
func (g *Gateway) Close() {
	g.closing.Do(func() {
		C.gw_close(g.gw)
		if !g.started {
			for i := range g.loops {
				C.gw_run_loop(g.gw, C.uint32_t(i))
			}
			close(g.notices)
		}
		g.running.Wait()
		for range g.notices {
			// Drained until forward has seen the end: it uses g.gw.
		}
		C.gw_free(g.gw)
		g.gw = nil
	})
}
