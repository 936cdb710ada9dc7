package ringtest

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"ringway/ring"
)

// Gateway serves one lane: it starts exchanges for tests, keeps their windows and collects their answers.
type Gateway struct {
	Lane   *Lane
	Window int  // of each exchange, in bytes; default 64 KiB
	Poor   bool // has no window to spare: answers the first of several WANTs by no

	mu      sync.Mutex
	cond    *sync.Cond // something came from the worker, or the gateway ended
	socket  *ring.Socket
	slots   []*Exchange
	next    []uint32 // generation per slot
	free    []uint32
	err     error
	closed  bool
	done    chan struct{}
	holders []*Exchange // by first unit of a lent inbound block
	hold    bool        // consume nothing, see Hold
	keep    bool        // return no outbound block, see Keep
	kept    []lent
	files   files
}

type lent struct {
	ex    *Exchange
	block uint32
}

// NewGateway starts serving a lane over a wake-up socket.
func NewGateway(lane *Lane, socket *ring.Socket) *Gateway {
	gw := &Gateway{Lane: lane, Window: ring.MaxBlock, socket: socket, done: make(chan struct{})}
	gw.cond = sync.NewCond(&gw.mu)
	socket.TakeFiles(gw.files.take)
	e := lane.Geometry.ExchangeSlots
	gw.slots, gw.next = make([]*Exchange, e), make([]uint32, e)
	gw.holders = make([]*Exchange, lane.Geometry.ArenaUnits)
	for i := range e {
		gw.free = append(gw.free, uint32(e-1-i))
	}
	go gw.run()
	return gw
}

// SocketPair makes the two ends of a wake-up socket.
func SocketPair() (gateway, worker *ring.Socket, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	if gateway, err = ring.NewSocket(fds[0]); err != nil {
		return nil, nil, err
	}
	worker, err = ring.NewSocket(fds[1])
	return gateway, worker, err
}

// run is the gateway's loop: arm, look again, sleep, look at everything.
func (gw *Gateway) run() {
	defer close(gw.done)
	for {
		gw.Lane.GatewayArmed.Store(1)
		gw.Lane.GatewayStarved.Store(1)
		looked := false
		err := gw.socket.Wait(func() bool {
			again := looked // a signal came: look at everything
			looked = true
			return again || !gw.quiet()
		})
		gw.Lane.GatewayArmed.Store(0)
		gw.mu.Lock()
		if err != nil || gw.closed {
			gw.closed = true
			gw.cond.Broadcast()
			gw.mu.Unlock()
			return
		}
		gw.pump()
		gw.unlock()
	}
}

// quiet reports whether there is nothing to do for the loop.
func (gw *Gateway) quiet() bool {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	if gw.closed {
		return false
	}
	return (gw.hold || gw.Lane.OutTail.Load() == gw.Lane.outHead) && gw.Lane.InReturnTail.Load() == gw.Lane.inReturned &&
		!gw.creditDue()
}

// creditDue reports whether a held-back credit could go out now.
func (gw *Gateway) creditDue() bool {
	for _, ex := range gw.slots {
		if ex != nil && (ex.owed > 0 || ex.fileDone != 0) && ex.creditFree() {
			return true
		}
	}
	return false
}

// unlock lets go of the lock and wakes the worker if it asked for it.
func (gw *Gateway) unlock() {
	due := gw.Lane.SignalDue()
	gw.mu.Unlock()
	if due {
		gw.socket.Signal()
	}
}

func (gw *Gateway) fail(format string, args ...any) {
	if gw.err == nil {
		gw.err = fmt.Errorf(format, args...)
	}
	gw.cond.Broadcast()
}

// pump consumes everything that came from the worker.
func (gw *Gateway) pump() {
	for {
		h, ok, err := gw.Lane.Returned()
		if err != nil {
			gw.fail("return: %w", err)
			break
		}
		if !ok {
			break
		}
		gw.holders[h.Unit()].lent -= h.Size()
	}
	var e ring.Event
	for !gw.hold && gw.Lane.Take(&e) {
		gw.event(&e)
	}
	for _, ex := range gw.slots {
		if ex != nil {
			ex.payFile()
			ex.payCredit()
			gw.reuse(ex)
		}
	}
	gw.cond.Broadcast()
}

// Err is the first rule that the worker broke.
func (gw *Gateway) Err() error {
	gw.mu.Lock()
	defer gw.mu.Unlock()
	return gw.err
}

// Signal wakes the worker, asked or not.
func (gw *Gateway) Signal() { gw.socket.Signal() }

// Hold stops (or goes on) consuming outbound events, so that the ring fills.
func (gw *Gateway) Hold(on bool) {
	gw.mu.Lock()
	gw.hold = on
	if !on {
		gw.pump()
	}
	gw.unlock()
}

// Keep stops giving outbound blocks back (and crediting them), or gives back all that were kept.
func (gw *Gateway) Keep(on bool) {
	gw.mu.Lock()
	gw.keep = on
	if !on {
		for _, k := range gw.kept {
			gw.giveBack(k.ex, k.block)
		}
		gw.kept = nil
		gw.pump()
	}
	gw.unlock()
}

// Close ends the gateway as its death would: the socket closes.
func (gw *Gateway) Close() error {
	gw.mu.Lock()
	gw.closed = true
	gw.cond.Broadcast()
	gw.mu.Unlock()
	err := gw.socket.Close()
	<-gw.done
	gw.files.close()
	return err
}

// Settled waits until every exchange's slot is free again and every inbound block came back, and gives what was broken.
func (gw *Gateway) Settled() error {
	gw.mu.Lock()
	defer gw.unlock()
	for gw.err == nil && !gw.closed && (len(gw.free) < len(gw.slots) || gw.Lane.Blocks.InUse() > 0) {
		gw.cond.Wait()
	}
	return gw.err
}
