package native

/*
#include "gw.h"
*/
import "C"

import (
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"ringway/internal/engine"
)

const (
	// accessBytes is the size of each loop's queue of access records: some thousands of them.
	accessBytes = 1 << 20
	// accessPiece is what is taken at a time, so that it stays in a processor's cache: many times the largest record.
	accessPiece = 64 << 10
)

// access is the engine's side of the access log.
type access struct {
	g    *Gateway
	wake chan struct{}

	buffer []byte // of the goroutine that takes

	mu      sync.Mutex // of what follows: the engine ends while records are being written
	rest    []taken    // what was left when the engine ended
	ended   bool
	dropped uint64 // at the end
}

// taken is a piece of a queue.
type taken struct {
	records []byte
	toWall  int64 // what makes times since 1970 of the records' start times
}

// AccessLog returns the records that wait for the access log.
func (g *Gateway) AccessLog() engine.AccessSource { return &g.access }

func (a *access) Wake() <-chan struct{} { return a.wake }

// wakeUp asks the goroutine that takes to come.
func (a *access) wakeUp() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

func (a *access) Take(add func(*engine.AccessRecord)) {
	if a.buffer == nil {
		a.buffer = make([]byte, accessPiece)
	}
	for loop := range a.g.loops {
		// Not until it is empty, which it may never be.
		for left := accessBytes; left > 0; {
			t := a.piece(loop)
			if len(t.records) == 0 {
				break
			}
			t.each(add)
			left -= len(t.records)
		}
	}
	for _, t := range a.last() {
		t.each(add)
	}
}

// piece takes from a queue; nothing after the engine's end.
func (a *access) piece(loop int) taken {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return taken{}
	}
	return a.take(loop, a.buffer)
}

// last gives what was left when the engine ended, once.
func (a *access) last() []taken {
	a.mu.Lock()
	defer a.mu.Unlock()
	rest := a.rest
	a.rest = nil
	return rest
}

// take moves what a queue holds to buffer. The engine exists and the lock is held.
func (a *access) take(loop int, buffer []byte) taken {
	var toWall C.int64_t
	n := C.gw_take_access(a.g.gw, C.uint32_t(loop), (*C.uint8_t)(unsafe.Pointer(&buffer[0])), C.uint64_t(len(buffer)), &toWall)
	return taken{buffer[:n], int64(toWall)}
}

// end keeps what is left in the queues; the engine is gone afterwards. Its loops have ended.
func (a *access) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dropped = a.count()
	for loop := range a.g.loops {
		if t := a.take(loop, make([]byte, accessBytes)); len(t.records) > 0 {
			a.rest = append(a.rest, t)
		}
	}
	a.ended = true
}

func (a *access) Dropped() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return a.dropped
	}
	return a.count()
}

func (a *access) count() (dropped uint64) {
	for loop := range a.g.loops {
		var c C.struct_gw_loop_stats
		C.gw_read_loop(a.g.gw, C.uint32_t(loop), &c)
		dropped += uint64(c.access_dropped)
	}
	return dropped
}

// each passes the records one by one.
func (t taken) each(add func(*engine.AccessRecord)) {
	var r engine.AccessRecord
	for left := t.records; len(left) > 0; {
		c := (*C.struct_access_record)(unsafe.Pointer(&left[0]))
		size := int(c.size)
		texts := left[C.sizeof_struct_access_record:size]
		text := func(which int) []byte {
			n := int(c.lengths[which])
			s := texts[:n]
			texts = texts[n:]
			return s
		}
		r = engine.AccessRecord{
			Start:     int64(c.start_ns) + t.toWall,
			Client:    addrPort(&c.client),
			Method:    text(C.ACCESS_METHOD),
			Target:    text(C.ACCESS_TARGET),
			Host:      text(C.ACCESS_HOST),
			Referer:   text(C.ACCESS_REFERER),
			UserAgent: text(C.ACCESS_AGENT),
			RequestID: text(C.ACCESS_REQUEST_ID),
			Version:   uint8(c.version),
			Status:    int(c.status),
			Worker:    uint64(c.worker),
			Origin:    engine.AccessOrigin(c.origin),
			End:       engine.AccessEnd(c.end),
			Retried:   c.retried != 0,
			Shortened: c.shortened != 0,
			Received:  uint64(c.received),
			Sent:      uint64(c.sent),
			SentBody:  uint64(c.sent_body),
			Queue:     time.Duration(c.queue_ns), // unknown is all ones: -1
			Handler:   time.Duration(c.handler_ns),
			Total:     time.Duration(c.total_ns),
		}
		add(&r)
		left = left[(size+C.ACCESS_ALIGN-1)&^(C.ACCESS_ALIGN-1):]
	}
}

// addrPort is an endpoint; the zero value where there is none.
func addrPort(e *C.struct_ring_endpoint) netip.AddrPort {
	bytes := *(*[16]byte)(unsafe.Pointer(&e.address))
	switch e.family {
	case 4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(bytes[:4])), uint16(e.port))
	case 6:
		return netip.AddrPortFrom(netip.AddrFrom16(bytes).Unmap(), uint16(e.port))
	}
	return netip.AddrPort{}
}
