package bridge

import (
	"errors"
	"io"
	"runtime"
	"time"

	"ringway/ring"
)

// reader is a goroutine that takes turns at reading a lane, and runs handlers.
type reader struct {
	wake  chan struct{}
	begun bool
	spare *httpExchange // prepared before the lane is locked, so that claiming allocates nothing under the lock

	detached bool // its handler has taken a connection over, see lane.detach
	surplus  bool // there is another in its place: it ends
}

// keepIdle is how many readers without work stay for the next burst.
const keepIdle = 16

// start begins reading the lane.
func (l *lane) start() {
	l.lock()
	l.readers, l.starting = 1, 1
	l.unlock()
	l.att.users.Add(1)
	r := newReader()
	r.begun = true
	go l.read(r)
}

func newReader() *reader { return &reader{wake: make(chan struct{}, 1)} }

// read is the loop of a reader goroutine.
func (l *lane) read(r *reader) {
	defer l.att.users.Done()
	regular := false
	defer func() {
		if !regular {
			l.replace(r)
		}
	}()
	l.lock()
	l.starting = 0
	for {
		l.prepare(r)
		if l.pumping {
			l.socket.Interrupt() // what we take may be what its poller waits for
		}
		ex := l.next(l.mode != modePool && !r.surplus)
		switch {
		case ex != nil:
			l.handOver(r, ex)
		case l.closed || r.surplus:
			l.readers--
			regular = true
			l.unlock()
			return
		case l.polling:
			if len(l.idle) >= keepIdle {
				l.readers--
				regular = true
				l.unlock()
				return
			}
			l.idle = append(l.idle, r)
			l.unlock()
			<-r.wake
			l.lock()
			l.starting = 0
		default:
			l.poll()
		}
	}
}

// prepare makes what the next handler needs, outside the lock. The lock is held before and after.
func (l *lane) prepare(r *reader) {
	if r.spare == nil && l.att.worker.handler != nil {
		l.unlock()
		r.spare = new(httpExchange)
		l.lock()
	}
}

// handOver runs the handler of a claimed exchange. The lock is held before and after, but not meanwhile.
func (l *lane) handOver(r *reader, ex *exchange) {
	var follower *reader
	var turn uint64
	if l.mode == modeAuto {
		if l.guarded() {
			follower = l.follower()
		} else if !l.polling && l.starting == 0 {
			l.expose()
		}
		turn = l.turn
		if turn%sampleEvery == 0 {
			ex.began = time.Now()
		}
	}
	ex.reader = r
	ex.sender.begin()
	ex.body.expect = ring.ExpectsContinue(l.ring.Inbound(ex.head))
	x := r.spare
	if x != nil {
		r.spare = nil
		x.begin(ex)
	}
	l.unlock()
	if follower != nil {
		l.ready(follower)
	}
	l.att.worker.run(ex, x)
	l.lock()
	if l.returned(r); turn != 0 {
		l.learn(turn)
	}
}

// next consumes every event that waits, until it finds an exchange whose handler may start now (and start is set), which
// it has claimed. It returns nil when the ring is empty or the lane has ended.
func (l *lane) next(start bool) *exchange {
	for n := 1; !l.closed; n++ {
		if l.starved.Load() != 0 {
			l.feed()
		}
		if start {
			if ex := l.pick(); ex != nil {
				return ex
			}
		}
		if !l.ring.Take(&l.event) {
			if err := l.ring.Fault(); err != nil {
				l.att.fail(err)
			}
			return nil
		}
		l.steps++
		ex, err := l.handle(&l.event)
		if err != nil {
			l.att.fail(err)
			return nil
		}
		if ex != nil {
			l.queue.push(ex)
			if l.mode == modePool {
				l.employ()
			}
		}
		if n%64 == 0 { // let writers have the lane in between
			l.unlock()
			runtime.Gosched()
			l.lock()
		}
	}
	return nil
}

// pick claims the oldest queued exchange that may start now; nil if there is none.
func (l *lane) pick() *exchange {
	for l.running < l.limit && l.queue.first != nil {
		if ex := l.queue.pop(); l.claim(ex) {
			return ex
		}
	}
	return nil
}

// poll sleeps until something waits on the lane. Precondition: next found nothing and nobody polls. The lock is held
// before and after.
func (l *lane) poll() {
	l.polling = true
	spin := l.spin.worth(l.steps)
	l.unlock()
	var err error
	if !spin || !l.spin.until(l.isDue) {
		err = l.socket.Wait(l.isAwake)
		l.ring.Disarm()
	}
	l.lock()
	l.polling = false
	if err != nil && !l.closed {
		if errors.Is(err, io.EOF) {
			err = ErrGatewayGone
		}
		l.att.fail(err)
	}
}

// awake arms, and then reports whether the lane has something for its poller; it runs without the lock, before each
// sleep. It arms each time, because the signal that ended the last sleep took the armed word back, and somebody else may
// have consumed what it was about.
func (l *lane) awake() bool {
	l.ring.Arm()
	if l.starved.Load() != 0 {
		l.starve()
	}
	return l.due()
}

// due reports, without the lock, whether the lane has something for its poller.
func (l *lane) due() bool { return !l.ring.Empty() || l.fed() }

// follower makes sure that somebody goes on reading should the handler that starts now block: it returns a reader to be
// readied after the lock is gone, or nil if there is one polling, readied before, or at work on the lane already.
func (l *lane) follower() *reader {
	if l.mode != modeAuto || l.polling || l.starting > 0 || l.closed {
		return nil
	}
	if n := len(l.idle); n > 0 {
		r := l.idle[n-1]
		l.idle = l.idle[:n-1]
		l.starting = 1
		return r
	}
	if n := l.readers - l.detached; n > l.limit || n > l.running {
		// Somebody else is between two handlers: it comes by next().
		return nil
	}
	l.readers++
	l.starting = 1
	return newReader()
}

// ready makes a follower runnable.
func (l *lane) ready(r *reader) {
	if !r.begun {
		r.begun = true
		l.att.users.Add(1)
		go l.read(r)
		return
	}
	r.wake <- struct{}{}
}

// replace takes the place of a reader whose handler ended its goroutine (runtime.Goexit).
func (l *lane) replace(r *reader) {
	l.lock()
	if l.returned(r); r.surplus {
		l.readers--
		l.unlock()
		return
	}
	l.unlock()
	l.att.users.Add(1)
	r.wake, r.spare = make(chan struct{}, 1), nil
	go l.read(r)
}
