// Package native is the gateway's data plane: libuv event loops in C that own the sockets, parse HTTP and exchange events
// with workers through shared memory. This package is the only one that uses cgo; it adds no Go code to the request path.
//
// A Gateway is made with New, given listeners and workers, run with Start, and ended with StopAccepting, Cut and Close. All
// methods may be called from any goroutine. What happens inside is told through Notices and Stats.
package native

/*
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
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"ringway/internal/engine"
)

// Gateway is a running data plane.
type Gateway struct {
	gw      *C.struct_gw
	loops   int
	notices chan engine.Notice
	access  access
	running sync.WaitGroup
	closing sync.Once
	listing sync.Mutex // of Requests
	heap    heap
	started bool
}

// New makes a gateway; it does nothing until Start.
func New(config engine.Config) (*Gateway, error) {
	if config.Loops < 1 || config.Loops > C.RING_MAX_LANES {
		return nil, fmt.Errorf("loops: %d, expected 1 to %d", config.Loops, C.RING_MAX_LANES)
	}
	c := C.struct_gw_config{loops: C.uint32_t(config.Loops), spin_ns: C.uint64_t(max(config.Spin, 0))}
	if config.AccessLog {
		c.access_bytes = accessBytes
	}
	free, err := settings(&config.Settings, &c.settings)
	if err != nil {
		return nil, err
	}
	defer free()
	g := &Gateway{loops: config.Loops, notices: make(chan engine.Notice, 64)}
	g.access = access{g: g, wake: make(chan struct{}, 1)}
	if rc := C.gw_new(&c, &g.gw); rc != 0 {
		return nil, fmt.Errorf("starting event loops: %w", errno(rc))
	}
	return g, nil
}

// Change puts other settings in force on all loops: for connections that are accepted, requests that begin and timers
// that are looked at from then on.
func (g *Gateway) Change(to engine.Settings) error {
	var c C.struct_gw_settings
	free, err := settings(&to, &c)
	if err != nil {
		return err
	}
	defer free()
	if rc := C.gw_change(g.gw, &c); rc != 0 {
		return fmt.Errorf("changing settings: %w", errno(rc))
	}
	return nil
}

func errno(rc C.int) error {
	return syscall.Errno(-rc)
}

// AddListener hands over one bound, listening, non-blocking socket per loop (or one descriptor repeated, which is then
// duplicated). With proxy, every connection has to begin with a PROXY header.
func (g *Gateway) AddListener(fds []int, proxy bool) error {
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
		if rc := C.gw_listen(g.gw, C.uint32_t(i), C.int(fd), C.bool(proxy)); rc != 0 {
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

// Attach gives a worker's segments to the loops. It gets no requests before Select.
func (g *Gateway) Attach(a engine.Attachment) error {
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

// Select lets requests go to these workers and to no others, in one step for each loop. What handlers had whose worker died
// goes to those of second, if there are any that can take it.
func (g *Gateway) Select(workers, second []uint64) error {
	all := slices.Concat(workers, second)
	if rc := C.gw_select(g.gw, (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(all))), C.uint32_t(len(workers)), C.uint32_t(len(all))); rc != 0 {
		return fmt.Errorf("selecting workers %v: %w", workers, errno(rc))
	}
	return nil
}

// Probe sends GET path (origin-form) to each lane of a worker; Notice Probed follows for each, with the round. After an error
// it follows for some.
func (g *Gateway) Probe(worker uint64, path string, round uint64) error {
	text := C.CString(path)
	defer C.free(unsafe.Pointer(text))
	if rc := C.gw_probe(g.gw, C.uint64_t(worker), text, C.uint64_t(round)); rc != 0 {
		return fmt.Errorf("probing worker %d: %w", worker, errno(rc))
	}
	return nil
}

// Drain gives a worker nothing new; Notice Idle follows when its last exchange has ended.
func (g *Gateway) Drain(worker uint64) { C.gw_drain(g.gw, C.uint64_t(worker)) }

// EndStreams cuts the upgraded connections of a worker, whose contexts are cancelled.
func (g *Gateway) EndStreams(worker uint64) { C.gw_end_streams(g.gw, C.uint64_t(worker)) }

// Detach says that a worker is gone. Its finished answers are still sent, its other requests re-dispatched or failed; Notice
// Released follows when its segments are no longer needed.
func (g *Gateway) Detach(worker uint64) { C.gw_detach(g.gw, C.uint64_t(worker)) }

// AnnounceStop lets answers say that their connection ends, while new connections are still taken.
func (g *Gateway) AnnounceStop() { C.gw_announce_stop(g.gw) }

// StopAccepting closes listeners and idle connections; the others close after their answer. Notice Quiet follows.
func (g *Gateway) StopAccepting() { C.gw_stop_accepting(g.gw, false) }

// HandOver closes listeners. Connections close after their next answer, which says so; idle ones wait for it until
// StopAccepting. Notice Quiet follows when none is left.
func (g *Gateway) HandOver() { C.gw_stop_accepting(g.gw, true) }

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
		g.access.end()
		C.gw_free(g.gw)
		g.gw = nil
	})
}
