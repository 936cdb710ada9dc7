package gateway

import (
	"sync"
	"time"
)

// mailbox is an unbounded queue of functions: whoever posts never waits, so that an engine that waits for its notices to
// be taken and a core that waits for the engine cannot hold each other up. What can be queued is bounded by the number of
// workers and of timers.
type mailbox struct {
	mu     sync.Mutex
	queue  []func()
	closed bool
	wake   chan struct{} // one token when the queue may have something

	running sync.Mutex // held while functions run; taken before mu, or tried
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post queues f and tells whether it will run; it will not after close.
func (m *mailbox) post(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.queue = append(m.queue, f)
	select {
	case m.wake <- struct{}{}:
	default:
	}
	return true
}

// call runs f in the core and waits for it. It returns false, without running f, after close.
func (m *mailbox) call(f func()) bool {
	done := make(chan struct{})
	if !m.post(func() { defer close(done); f() }) {
		return false
	}
	<-done
	return true
}

// after posts f when the time has passed.
func (m *mailbox) after(wait time.Duration, f func()) {
	time.AfterFunc(wait, func() { m.post(f) })
}

// look is call for an f that only reads: while nothing is queued or runs, it runs at once, without the core having to wake up.
func (m *mailbox) look(f func()) bool {
	m.mu.Lock()
	if m.closed || len(m.queue) > 0 || !m.running.TryLock() {
		m.mu.Unlock()
		return m.call(f)
	}
	m.mu.Unlock()
	defer m.running.Unlock()
	f()
	return true
}

// run waits for functions and runs all that are queued.
func (m *mailbox) run() {
	<-m.wake
	m.runQueue(false)
}

// close ends the mailbox after what is queued.
func (m *mailbox) close() { m.runQueue(true) }

func (m *mailbox) runQueue(last bool) {
	m.running.Lock()
	defer m.running.Unlock()
	m.mu.Lock()
	taken := m.queue
	m.queue, m.closed = nil, last
	m.mu.Unlock()
	for _, f := range taken {
		f()
	}
}
