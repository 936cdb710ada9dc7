package main

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how long a client waits for an answer.
const patience = 5 * time.Second

// answered is one good answer: when it came since the crowd began, and how long after its request was due; microseconds.
type answered struct{ at, took uint32 }

// tally counts what was no good answer. The first four are errors: requests that were sent and got none, or a wrong one.
type tally struct {
	Status  int64 `json:"status"`  // another status than 200
	Cut     int64 `json:"cut"`     // the connection ended after the request was sent and before its answer was whole
	Wrong   int64 `json:"wrong"`   // an answer that is not what the route writes
	Late    int64 `json:"late"`    // none within five seconds
	Refused int64 `json:"refused"` // no connection could be made
	Closed  int64 `json:"closed"`  // connections that were ended politely: with Connection: close, or while idle
}

func (t tally) errors() int64 { return t.Status + t.Cut + t.Wrong + t.Late }

func (t *tally) add(other tally) {
	t.Status += other.Status
	t.Cut += other.Cut
	t.Wrong += other.Wrong
	t.Late += other.Late
	t.Refused += other.Refused
	t.Closed += other.Closed
}

// crowd is clients that each keep a connection and ask for /pid at a fixed pace. A request that was due while the one before
// was under way is sent late and timed from when it was due, so that a server's pause costs all requests that fall into it. None is
// ever sent twice.
type crowd struct {
	address  string
	interval time.Duration // between two requests of a client; 0: each as soon as the last one was answered
	began    time.Time
	counted  time.Time // answers from here on count
	clients  []*client
	stop     atomic.Bool
	all      sync.WaitGroup

	mu    sync.Mutex        // guards what follows, until the clients have ended
	seen  map[int]time.Time // when the first answer of a process came, by pid
	wrong string            // the first answer that was none
}

// client is one connection at a time.
type client struct {
	crowd  *crowd
	conn   net.Conn // nil while there is none
	raw    syscall.RawConn
	peek   func(descriptor uintptr) bool
	idle   error // what the last peek found: EAGAIN if the connection is open and silent
	buffer [8 << 10]byte
	pid    int

	good    []answered
	tally   tally
	waiting time.Time // since when it has been waiting for a good answer, over failed requests
	longest time.Duration
}

// gather starts the clients. rate is of all of them together, per second; 0: without a pause. What happens within warm is not counted, but
// for failures.
func gather(address string, clients int, rate float64, warm time.Duration) *crowd {
	now := time.Now()
	c := &crowd{address: address, began: now, counted: now.Add(warm), seen: map[int]time.Time{}}
	if rate > 0 {
		c.interval = time.Duration(float64(clients) / rate * float64(time.Second))
	}
	for i := range clients {
		one := &client{crowd: c}
		one.peek = one.look
		c.clients = append(c.clients, one)
		due := now.Add(time.Duration(i) * c.interval / time.Duration(clients))
		c.all.Go(func() { one.run(due) })
	}
	return c
}

// disperse ends the clients, and returns when.
func (c *crowd) disperse() time.Time {
	end := time.Now()
	c.stop.Store(true)
	c.all.Wait()
	return end
}

func (c *client) run(due time.Time) {
	defer c.drop()
	for {
		start := due
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
			start = time.Now() // that this program woke late is not the server's fault
		} else if c.crowd.interval == 0 {
			start = time.Now()
		}
		if c.crowd.stop.Load() {
			if !c.waiting.IsZero() {
				c.waited(time.Now())
			}
			return
		}
		if c.waiting.IsZero() {
			c.waiting = start
		}
		switch ok := c.ask(); {
		case ok:
			now := time.Now()
			if now.After(c.crowd.counted) {
				c.good = append(c.good, answered{microseconds(now.Sub(c.crowd.began)), microseconds(now.Sub(start))})
				c.waited(now)
			}
			c.waiting = time.Time{}
		case c.conn == nil && c.crowd.interval == 0:
			time.Sleep(time.Millisecond) // or refusals would count as fast as the kernel can refuse
		}
		due = due.Add(c.crowd.interval)
	}
}

func (c *client) waited(until time.Time) { c.longest = max(c.longest, until.Sub(c.waiting)) }

func microseconds(d time.Duration) uint32 { return uint32(d / time.Microsecond) }

// ask sends one request and tells whether it was answered well.
func (c *client) ask() bool {
	if c.conn != nil && !c.open() {
		c.drop()
	}
	if c.conn == nil && !c.connect() {
		return false
	}
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	if _, err := c.conn.Write(pidRequest); err != nil {
		c.failed(err)
		return false
	}
	head, body, err := c.read()
	if err != nil {
		c.failed(err)
		return false
	}
	if head.close {
		c.tally.Closed++
		c.drop()
	}
	if head.status != 200 {
		c.tally.Status++
		return false
	}
	pid, err := parsePid(body)
	if err != nil {
		c.strange(err)
		return false
	}
	if pid != c.pid {
		c.pid = pid
		c.crowd.answeredBy(pid)
	}
	return true
}

var pidRequest = []byte("GET /pid HTTP/1.1\r\nHost: bench\r\n\r\n")

func (c *crowd) answeredBy(pid int) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, known := c.seen[pid]; !known || now.Before(at) {
		c.seen[pid] = now
	}
}

func (c *client) connect() bool {
	conn, err := net.DialTimeout("tcp", c.crowd.address, patience)
	if err != nil {
		c.tally.Refused++
		return false
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		c.tally.Refused++
		_ = conn.Close()
		return false
	}
	c.conn, c.raw = conn, raw
	return true
}

func (c *client) drop() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
