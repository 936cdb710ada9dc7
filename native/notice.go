package native

/*
#include "gw.h"
*/
import "C"

import (
	"fmt"
	"net/netip"
	"unsafe"

	"ringway/internal/engine"
)

// kinds of notices, by their numbers in gw.h.
var kinds = map[C.enum_gw_notice_kind]engine.NoticeKind{
	C.GW_NOTICE_VIOLATION: engine.Violation,
	C.GW_NOTICE_PROBED:    engine.Probed,
	C.GW_NOTICE_STUCK:     engine.Stuck,
	C.GW_NOTICE_IDLE:      engine.Idle,
	C.GW_NOTICE_RELEASED:  engine.Released,
	C.GW_NOTICE_QUIET:     engine.Quiet,
	C.GW_NOTICE_REFUSED:   engine.Refused,
}

// Notices returns the channel of notices; it is closed by Close.
func (g *Gateway) Notices() <-chan engine.Notice { return g.notices }

func (g *Gateway) forward() {
	defer close(g.notices)
	var n C.struct_gw_notice
	for C.gw_next_notice(g.gw, &n) {
		if n.kind == C.GW_NOTICE_ACCESS {
			g.access.wakeUp()
			continue
		}
		notice := engine.Notice{Kind: kinds[n.kind], Worker: uint64(n.worker), Loop: int(n.loop), Status: int(n.status)}
		if n.text != nil {
			notice.Text = C.GoString(n.text)
		}
		switch notice.Kind {
		case engine.Violation:
			notice.Text = fmt.Sprintf("%s: %d, limit %d", notice.Text, uint64(n.value), uint64(n.limit))
		case engine.Probed:
			notice.Round = uint64(n.value)
		case engine.Stuck:
			notice.Stuck = n.value != 0
		case engine.Refused:
			notice.Client = endpoint(n.client)
			notice.Skipped = uint64(n.value)
			notice.RequestID = C.GoStringN(&n.id[0], C.int(n.id_length))
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
