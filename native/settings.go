package native

/*
#include <stdlib.h>
#include "gw.h"
*/
import "C"

import (
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"ringway/internal/engine"
)

func milliseconds(d time.Duration) C.uint64_t { return C.uint64_t(max(d.Milliseconds(), 0)) }

func count(n int) C.uint32_t { return C.uint32_t(max(n, 0)) }

// memory collects C allocations, and other things, that are freed together.
type memory struct {
	blocks  []unsafe.Pointer
	closers []func()
}

func (m *memory) text(s string) *C.char {
	c := C.CString(s)
	m.blocks = append(m.blocks, unsafe.Pointer(c))
	return c
}

// array allocates n zeroed elements of size bytes; nil for none.
func (m *memory) array(n int, size C.size_t) unsafe.Pointer {
	if n == 0 {
		return nil
	}
	p := C.calloc(C.size_t(n), size)
	m.blocks = append(m.blocks, p)
	return p
}

// onFree has do called with the rest.
func (m *memory) onFree(do func()) { m.closers = append(m.closers, do) }

func (m *memory) networks(from []netip.Prefix) *C.struct_network {
	to := (*C.struct_network)(m.array(len(from), C.sizeof_struct_network))
	all := unsafe.Slice(to, len(from))
	for i, prefix := range from {
		all[i].bits = C.uint8_t(prefix.Bits())
		all[i].family = 6
		bytes := prefix.Addr().AsSlice()
		if prefix.Addr().Is4() {
			all[i].family = 4
		}
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&all[i].address)), len(all[i].address)), bytes)
	}
	return to
}

func (m *memory) free() {
	for _, p := range m.blocks {
		C.free(p)
	}
	for _, do := range m.closers {
		do()
	}
}

// settings fills in C's form, whose memory free gives back: the engine keeps copies.
func settings(from *engine.Settings, to *C.struct_gw_settings) (free func(), err error) {
	if from.PipelineDepth < 1 || from.PipelineDepth > 256 {
		return nil, fmt.Errorf("pipeline depth: %d, expected 1 to 256", from.PipelineDepth)
	}
	if from.Fields < 1 || from.Fields > 256 {
		return nil, fmt.Errorf("header fields: %d, expected 1 to 256", from.Fields)
	}
	if from.LineBytes < 16 || from.HeadBytes < 16 || from.LineBytes+from.HeadBytes > 48<<10 {
		return nil, fmt.Errorf("request line and header bytes: %d and %d, expected at least 16 each and 49152 together", from.LineBytes, from.HeadBytes)
	}
	for _, prefix := range from.Trusted {
		if !prefix.IsValid() || prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("trusted network %v, expected a valid one, not of IPv4 addresses written as IPv6", prefix)
		}
	}
	var m memory
	*to = C.struct_gw_settings{
		server_name:        m.text(from.ServerName),
		max_connections:    count(from.MaxConnections),
		client_connections: count(from.ClientConnections),
		max_requests:       count(from.MaxRequests),
		pipeline:           count(from.PipelineDepth),
		in_flight:          count(from.InFlight),
		park_limit:         count(from.ParkLimit),
		queue_deadline_ms:  milliseconds(from.QueueDeadline),
		stuck_ms:           milliseconds(from.StuckAfter),
		request_timeout_ms: milliseconds(from.RequestTimeout),
		head_timeout_ms:    milliseconds(from.HeadTimeout),
		idle_timeout_ms:    milliseconds(from.IdleTimeout),
		upgrade_idle_ms:    milliseconds(from.UpgradeIdle),
		body_timeout_ms:    milliseconds(from.BodyTimeout),
		body_rate:          C.uint64_t(max(from.BodyRate, 0)),
		send_timeout_ms:    milliseconds(from.SendTimeout),
		send_rate:          C.uint64_t(max(from.SendRate, 0)),
		max_body:           C.uint64_t(max(from.MaxBody, 0)),
		line_bytes:         count(from.LineBytes),
		head_bytes:         count(from.HeadBytes),
		fields:             count(from.Fields),
		keep_underscores:   C.bool(from.KeepUnderscores),
		request_ids:        C.bool(from.RequestIDs),
		trust_unix:         C.bool(from.TrustUnix),
		trusted_count:      count(len(from.Trusted)),
		trusted:            m.networks(from.Trusted),
	}
	if err := staticFiles(from, &to.files, &m); err != nil {
		m.free()
		return nil, err
	}
	n := len(from.NativePaths)
	to.native_path_count = count(n)
	to.native_paths = (*C.struct_gw_native_path)(m.array(n, C.sizeof_struct_gw_native_path))
	paths := unsafe.Slice(to.native_paths, n)
	for path, body := range from.NativePaths {
		n--
		paths[n] = C.struct_gw_native_path{path: m.text(path), body: m.text(body)}
	}
	return m.free, nil
}
