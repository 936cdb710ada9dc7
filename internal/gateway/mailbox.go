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

// take waits for functions and returns all that are queued.
func (m *mailbox) take() []func() {
	<-m.wake
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.queue
	m.queue = nil
	return taken
}

// close ends the mailbox and returns what was queued last.
func (m *mailbox) close() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	taken := m.queue
	m.queue = nil
	return taken
}
