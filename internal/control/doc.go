// Package control is the gateway's end of the control socket, where workers attach (docs/design.md, section 4).
//
// Server accepts peers, checks the kernel's word on who they are, holds the conversation with each in a goroutine of its
// own, creates their segments and passes the descriptors on. What a worker means for the gateway is decided by the Host.
//
// A peer is not trusted: packets are bounded, each packet is legal in certain phases only (see phase), silence has a
// deadline, and the number of peers and the memory of all segments together are limited.
package control

import "errors"

// Protocol is the version of the conversation on the control socket.
const Protocol = 1

// maxPacket bounds one packet in bytes.
const maxPacket = 64 << 10

// ErrGone is the reason of a worker that closed the control socket, which a process also does by ending.
var ErrGone = errors.New("the worker closed the control socket")

// Host is the part of the gateway that the control socket serves. Its methods are called from the goroutine of the
// worker's conversation: first Attach, and if that succeeded any of Ready and Leaving at most once each, then Gone
// exactly once and last. After Gone the host calls Worker.Free when nothing uses the segments any more.
type Host interface {
	// Attach takes the worker in. The sockets are the gateway's ends of the wake-up socket pairs, one for each lane;
	// they belong to the host also when it returns an error, which is told to the worker.
	Attach(w *Worker, sockets []int) error
	// Ready: the worker has mapped its segments and can serve requests.
	Ready(w *Worker)
	// Leaving: the worker wants to stop and should get nothing new.
	Leaving(w *Worker)
	// Gone: the worker closed the socket (reason ErrGone), broke the protocol, or was disconnected.
	Gone(w *Worker, reason error)
}
