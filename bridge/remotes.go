package bridge

import (
	"net/netip"
	"sync/atomic"
)

// remotes keeps the texts of the latest client addresses, because a connection sends many requests. A slot is simply
// overwritten by another address.
type remotes struct {
	slots [512]atomic.Pointer[remote]
}

type remote struct {
	address netip.AddrPort
	text    string
}

func (c *remotes) text(a netip.AddrPort) string {
	ip := a.Addr().As16()
	h := uint32(a.Port()) * 0x9e3779b1
	h ^= (uint32(ip[15]) | uint32(ip[14])<<8) * 0x85ebca6b
	slot := &c.slots[h>>23]
	if known := slot.Load(); known != nil && known.address == a {
		return known.text
	}
	fresh := &remote{a, formatRemote(a)}
	slot.Store(fresh)
	return fresh.text
}
