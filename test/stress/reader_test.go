package stress

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"ringway/test/stress/plan"
)

// client is one connection: its reader, which also decides how it ends.
type client struct {
	run    *run
	conn   *net.TCPConn
	shut   *atomic.Bool // the writer's
	in     *bufio.Reader
	random *rand.Rand
	closed bool // an answer said that it is the last
	last   bool // an answer was the last, or may have been

	missing int // of the answer that was read last
}

// clientClosed is the status of a request that was given up after the client had shut down its sending side.
const clientClosed = 499

// wrongAnswer is an answer that is not the request's. A connection that ends is no such error.
type wrongAnswer struct{ text string }

func (e wrongAnswer) Error() string { return e.text }

func wrong(format string, arguments ...any) error {
	return wrongAnswer{fmt.Sprintf(format, arguments...)}
}

// connection lives through one connection. The error is an exchange that ended as none may.
func (r *run) connection(random *rand.Rand) error {
	dialed, err := net.Dial("tcp", r.addr)
	if err != nil {
		return err
	}
	conn := dialed.(*net.TCPConn)
	defer conn.Close()
	w := &writer{run: r, conn: conn, random: rand.New(rand.NewPCG(random.Uint64(), 0)), sent: make(chan *batch, 2)}
	go w.work()
	c := &client{run: r, conn: conn, shut: &w.shut, in: bufio.NewReaderSize(conn, 32<<10), random: random}
	left, err := c.read(w.sent)
	_ = conn.Close() // also ends the writing
	excused := c.last
	unanswered := len(left)
	for _, p := range left {
		excused = excused || p.Way.MayCut()
	}
	for b := range w.sent { // what the writer had still given
		unanswered += len(b.plans)
		for i := range b.plans {
			excused = excused || b.plans[i].Way.MayCut()
		}
		excused = excused || b.last == breaks // with its last request the client may lose the others
	}
	if errors.As(err, new(wrongAnswer)) || err != nil && !excused {
		return fmt.Errorf("%d exchanges are unanswered: %w (writing: %w)", unanswered, err, w.err)
	}
	switch {
	case unanswered == 0:
	case err == nil:
		r.cancelled.Add(uint64(unanswered))
	default:
		r.cut.Add(uint64(unanswered))
	}
	return nil
}

// read takes the answers of all batches. It returns early, without an error, if the client leaves; what has no answer yet
// is left.
func (c *client) read(sent <-chan *batch) (left []plan.Plan, err error) {
	for b := range sent {
		count := len(b.plans)
		switch {
		case b.last == breaks:
			count-- // the last request is never whole
		case b.last >= closes:
			count = c.random.IntN(count + 1)
		}
		if b.rested {
			time.Sleep(time.Duration(c.random.IntN(20)) * time.Millisecond) // answers pile up
		}
		_ = c.conn.SetReadDeadline(time.Now().Add(stallTime))
		for i := range b.plans[:count] {
			p := &b.plans[i]
			if err := c.answer(p); err != nil {
				if b.last == breaks && !errors.As(err, new(wrongAnswer)) {
					return b.plans[i:], nil
				}
				return b.plans[i:], fmt.Errorf("answer %d of %d (%+v, %d bytes to come, then the client %v): %w", i, len(b.plans), *p, c.missing, b.last, err)
			}
		}
		switch b.last {
		case breaks:
			_, _ = io.Copy(io.Discard, c.in) // a refusal, or just the end
			return b.plans[count:], nil
		case resets:
			_ = c.conn.SetLinger(0)
			return b.plans[count:], nil
		case closes:
			return b.plans[count:], nil
		}
	}
	return nil, nil
}

// answer reads and checks an answer.
func (c *client) answer(p *plan.Plan) error {
	c.missing = len(p.Answer())
	closed := c.closed
	status, length, id, err := c.head()
	if err != nil {
		return err
	}
	if closed {
		return wrong("an answer with status %d behind the last one", status)
	}
	c.last = c.last || c.closed
	if p.Way == plan.GiveUp && (status == http.StatusBadGateway || status == clientClosed && c.shut.Load()) {
		if err := c.body(nil, length, false); err != nil {
			return err
		}
		c.last = c.last || p.Up > discarded
		c.run.gaveUp.Add(1)
		return nil
	}
	if status != http.StatusOK || id != p.ID {
		return wrong("status %d for exchange %x", status, id)
	}
	if p.Way == plan.Midway && length >= 0 {
		return wrong("an answer that was given up has a length of %d", length)
	}
	if err := c.body(p.Answer(), length, true); err != nil {
		return err
	}
	// Chunks that no handler wants are read up to a limit, which shows only after the answer.
	c.last = c.last || p.Up > discarded && !p.Way.ReadsAll()
	if p.Way.MayCut() {
		return wrong("an answer that was given up came whole")
	}
	c.run.complete(p)
	return nil
}

const (
	unknown   = -1
	discarded = 256 << 10 // how much of an unwanted body the gateway reads
)

// head reads a final answer's head.
func (c *client) head() (status, length int, id uint64, err error) {
	for {
		line, err := c.line()
		if err != nil {
			return 0, 0, 0, err
		}
		if len(line) < 12 || string(line[:9]) != "HTTP/1.1 " {
			return 0, 0, 0, wrong("status line %q", line)
		}
		if status, err = strconv.Atoi(string(line[9:12])); err != nil {
			return 0, 0, 0, wrong("status line %q", line)
		}
		length = unknown
		for {
			if line, err = c.line(); err != nil {
				return 0, 0, 0, err
			}
			if len(line) == 0 {
				break
			}
			name, value, _ := bytes.Cut(line, []byte(": "))
			switch string(name) {
			case "Content-Length":
				length, err = strconv.Atoi(string(value))
			case "X-Id":
				id, err = strconv.ParseUint(string(value), 16, 64)
			case "Connection":
				c.closed = string(value) == "close"
			}
			if err != nil {
				return 0, 0, 0, wrong("%q", line)
			}
		}
		if status >= 200 {
			return status, length, id, nil
		}
	}
}

// line reads a line without its end.
func (c *client) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return nil, wrong("a line of %.100q...", line)
	}
	if err != nil {
		return nil, err
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return nil, wrong("line %q", line)
	}
	return line[:len(line)-2], nil
}

// body reads a body, which must be want if that is checked.
func (c *client) body(want []byte, length int, check bool) error {
	if length != unknown {
		if check && length != len(want) {
			return wrong("a length of %d, want %d", length, len(want))
		}
		_, err := c.bytes(want, length, check)
		return err
	}
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(line), 16, 32)
		if err != nil {
			return wrong("chunk size %q", line)
		}
		if n == 0 {
			if line, err = c.line(); err == nil && (len(line) != 0 || check && len(want) != 0) {
				err = wrong("end %q with %d bytes missing", line, len(want))
			}
			return err
		}
		if want, err = c.bytes(want, int(n), check); err != nil {
			return err
		}
		if line, err = c.line(); err != nil || len(line) != 0 {
			if err == nil {
				err = wrong("%q after a chunk", line)
			}
			return err
		}
	}
}

// bytes reads n bytes, which must be those that want begins with, and returns what follows them.
func (c *client) bytes(want []byte, n int, check bool) ([]byte, error) {
	if check && n > len(want) {
		return nil, wrong("%d bytes more than there are", n-len(want))
	}
	c.run.bytesOut.Add(uint64(n))
	for n > 0 {
		if c.in.Buffered() == 0 {
			if _, err := c.in.Peek(1); err != nil {
				c.missing = len(want)
				return nil, err
			}
		}
		got, err := c.in.Peek(min(n, c.in.Buffered()))
		if err != nil {
			return nil, err
		}
		if check {
			if !bytes.Equal(got, want[:len(got)]) {
				return nil, wrong("other bytes, %d before the end", len(want))
			}
			want = want[len(got):]
		}
		n -= len(got)
		_, _ = c.in.Discard(len(got))
	}
	return want, nil
}
