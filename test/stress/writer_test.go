package stress

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"ringway/test/stress/plan"
)

// batch is what a writer sends at once.
type batch struct {
	plans  []plan.Plan
	rested bool // the reader is to wait a little first
	last   end  // how the connection ends after it
}

// end is how a client leaves.
type end uint8

const (
	stays   end = iota
	halves      // shuts down its sending side and reads all answers
	breaks      // shuts it down in the middle of a body
	closes      // closes while answers come
	resets      // the same with a reset
	endings     // how many there are
)

func (e end) String() string {
	return [...]string{"stays", "shuts down", "shuts down in a body", "closes", "resets"}[e]
}

// writer sends pipelined requests.
type writer struct {
	run    *run
	conn   *net.TCPConn
	random *rand.Rand
	sent   chan *batch // closed when nothing more comes
	buffer []byte
	err    error
	shut   atomic.Bool // the sending side was, or is about to be
}

// shutDown ends the sending side.
func (w *writer) shutDown() error {
	w.shut.Store(true)
	return w.conn.CloseWrite()
}

// work sends batches until the run has enough, the connection is to end, or it fails.
func (w *writer) work() {
	defer close(w.sent)
	for !w.run.enough() {
		b := w.plan()
		w.sent <- b
		if w.err = w.write(b); w.err != nil || b.last != stays {
			return
		}
	}
	_ = w.shutDown()
}

func (w *writer) plan() *batch {
	b := &batch{plans: make([]plan.Plan, 1+w.random.IntN(64)), rested: w.random.IntN(200) == 0}
	if w.random.IntN(8) == 0 {
		b.last = 1 + end(w.random.IntN(int(endings)-1))
	}
	next := w.run.ids.Add(uint64(len(b.plans)))
	for i := range b.plans {
		p := &b.plans[i]
		*p = plan.Plan{ID: next - uint64(i), Up: w.run.up.draw(w.random), Down: w.run.down.draw(w.random), Way: way(w.random)}
		switch {
		case b.last >= closes && w.random.IntN(6) == 0: // so that handlers still run when the client leaves
			p.Way, p.Down = plan.Slow, w.random.IntN(sizeCount)
		case b.last == breaks && i == len(b.plans)-1:
			p.Up = max(p.Up, 2, w.random.IntN(sizeCount))
		}
		p.Sum = plan.Update(0, p.Request())
	}
	return b
}

func way(random *rand.Rand) plan.Way {
	switch n := random.IntN(2000); {
	case n < 1:
		return plan.Midway
	case n < 3:
		return plan.GiveUp
	case n < 13:
		return plan.Slow
	case n < 33:
		return plan.Half
	case n < 53:
		return plan.Unread
	case n < 93:
		return plan.Hinted
	case n < 800:
		return plan.Pieces + plan.Way(n%4)
	}
	return plan.Whole
}

// direct is how large a piece is written without being copied first.
const direct = 8 << 10

func (w *writer) write(b *batch) error {
	for i := range b.plans {
		p := &b.plans[i]
		body, broken := p.Request(), b.last == breaks && i == len(b.plans)-1
		if broken {
			body = body[:len(body)/2]
		}
		chunked := p.Up > 0 && w.random.IntN(4) == 0
		w.head(p, chunked)
		for rest := body; len(rest) > 0; {
			n := len(rest)
			if chunked {
				n = 1 + w.random.IntN(min(n, 64<<w.random.IntN(12)))
				w.buffer = append(strconv.AppendUint(w.buffer, uint64(n), 16), "\r\n"...)
			}
			if n < direct {
				w.buffer = append(w.buffer, rest[:n]...)
			} else if err := w.flush(rest[:n]); err != nil {
				return err
			}
			if chunked {
				w.buffer = append(w.buffer, "\r\n"...)
			}
			rest = rest[n:]
		}
		if broken {
			break
		}
		if chunked {
			w.buffer = append(w.buffer, "0\r\n\r\n"...)
		}
		// Now and then what is there goes, up to anywhere, so that requests are parsed in pieces.
		if w.random.IntN(50) == 0 {
			if err := w.some(w.random.IntN(len(w.buffer) + 1)); err != nil {
				return err
			}
		}
	}
	if err := w.flush(nil); err != nil {
		return err
	}
	if b.last == breaks || b.last == halves {
		return w.shutDown()
	}
	return nil
}

func (w *writer) head(p *plan.Plan, chunked bool) {
	method := "GET "
	if p.Up > 0 {
		method = [...]string{"POST ", "GET ", "PUT ", "POST "}[p.ID%4]
	}
	w.buffer = p.AppendTarget(append(w.buffer, method...))
	w.buffer = append(w.buffer, " HTTP/1.1\r\nHost: stress\r\n"...)
	switch {
	case chunked:
		w.buffer = append(w.buffer, "Transfer-Encoding: chunked\r\n"...)
	case p.Up > 0:
		w.buffer = strconv.AppendInt(append(w.buffer, "Content-Length: "...), int64(p.Up), 10)
		w.buffer = append(w.buffer, "\r\n"...)
	}
	if p.Up > 0 && w.random.IntN(200) == 0 {
		w.buffer = append(w.buffer, "Expect: 100-continue\r\n"...) // but does not wait
	}
	w.buffer = append(w.buffer, "\r\n"...)
}

// flush writes what is buffered and then more.
func (w *writer) flush(more []byte) error {
	pieces := net.Buffers{w.buffer, more}
	_ = w.conn.SetWriteDeadline(time.Now().Add(stallTime))
	_, err := pieces.WriteTo(w.conn)
	w.buffer = w.buffer[:0]
	return err
}

// some writes a part of what is buffered.
func (w *writer) some(n int) error {
	_ = w.conn.SetWriteDeadline(time.Now().Add(stallTime))
	_, err := w.conn.Write(w.buffer[:n])
	w.buffer = append(w.buffer[:0], w.buffer[n:]...)
	return err
}
