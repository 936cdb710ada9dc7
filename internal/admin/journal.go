package admin

import (
	"sync"
	"time"
)

// Event is a change of state.
type Event struct {
	ID     uint64    `json:"id"` // rises by one with each
	Time   time.Time `json:"time"`
	Kind   string    `json:"kind"`
	Name   string    `json:"name"`             // of the release, or the number of the worker
	State  string    `json:"state"`            // that it is in now
	Was    string    `json:"was,omitempty"`    // the one before
	Reason string    `json:"reason,omitempty"` // why
}

// keptEvents is how many of the last events can be had again.
const keptEvents = 256

// Journal is the last events. Its methods are safe for concurrent use, and none waits for who follows.
type Journal struct {
	mu     sync.Mutex
	events []Event // the last ones, oldest first
	last   uint64
	more   chan struct{} // closed and replaced with each event
	ended  chan struct{}
	end    sync.Once
}

// NewJournal returns an empty one.
func NewJournal() *Journal {
	return &Journal{more: make(chan struct{}), ended: make(chan struct{})}
}

// End tells who follows that nothing more will be told.
func (j *Journal) End() { j.end.Do(func() { close(j.ended) }) }

// Add gives the event its number and time.
func (j *Journal) Add(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	e.ID, e.Time = j.last, time.Now()
	if len(j.events) == keptEvents {
		j.events = append(j.events[:0], j.events[1:]...)
	}
	j.events = append(j.events, e)
	close(j.more)
	j.more = make(chan struct{})
}

// After returns the events that are kept with numbers above id, all of them if there is none of that number yet, and what is closed
// when there are more.
func (j *Journal) After(id uint64) (events []Event, more <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if id > j.last {
		id = 0 // had of another gateway, the one before this: all of ours are new
	}
	for _, e := range j.events {
		if e.ID > id {
			events = append(events, e)
		}
	}
	return events, j.more
}
