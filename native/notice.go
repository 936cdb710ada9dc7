package native

/*
#include "gw.h"
*/
import "C"

import (
	"fmt"
	"net/netip"
	"unsafe"
)

// NoticeKind says what a Notice tells.
type NoticeKind int

const (
	// Violation: the worker broke the ring protocol. End it, then Detach it.
	Violation NoticeKind = iota + 1
	// Idle: a draining worker has no exchange left.
	Idle
	// Released: nothing refers to a detached worker's segments any more.
	Released
	// Quiet: after StopAccepting, no connection is left.
	Quiet
	// Refused: a malformed request was refused.
	Refused
)

// Notice is something the loops tell the rest of the gateway.
type Notice struct {
	Kind   NoticeKind
	Worker uint64 // Violation, Idle, Released
	Text   string // Violation, Refused: why
	Client string // Refused: client address, "" for a unix socket
	Status int    // Refused: the answer given
}

// Notices returns the channel of notices; it is closed by Close.
func (g *Gateway) Notices() <-chan Notice { return g.notices }

func (g *Gateway) forward() {
	defer close(g.notices)
	var n C.struct_gw_notice
	for C.gw_next_notice(g.gw, &n) {
		notice := Notice{Kind: NoticeKind(n.kind), Worker: uint64(n.worker), Status: int(n.status)}
		if n.text != nil {
			notice.Text = C.GoString(n.text)
		}
		switch notice.Kind {
		case Violation:
			notice.Text = fmt.Sprintf("%s: %d, limit %d", notice.Text, uint64(n.value), uint64(n.limit))
		case Refused:
			notice.Client = endpoint(n.client)
		}
		g.notices <- notice
	}
}

func endpoint(e C.struct_ring_endpoint) string {
	bytes := *(*[16]byte)(unsafe.Pointer(&e.address))
	switch e.family {
	case 4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(bytes[:4])), uint16(e.port)).String()
	case 6:
		return netip.AddrPortFrom(netip.AddrFrom16(bytes).Unmap(), uint16(e.port)).String()
	default:
		return ""
	}
}
