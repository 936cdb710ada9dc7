package supervisor

import (
	"fmt"
	"slices"
	"time"
)

// slotState is what a slot is doing.
type slotState int

const (
	slotStarting slotState = iota // its process is being started
	slotRunning                   // its process runs
	slotWaiting                   // none runs; the next is started when the backoff is over
	slotOpen                      // none runs, the breaker is open: one is tried when the long wait is over
	slotTrial                     // that one runs; it closes the breaker by a healthy life
	slotEnded                     // none is started any more
)

func (s slotState) String() string {
	return [...]string{"starting", "running", "waiting", "breaker open", "trial", "ended"}[s]
}

var slotTransitions = map[slotState][]slotState{
	slotStarting: {slotRunning, slotTrial, slotWaiting, slotOpen, slotEnded},
	slotRunning:  {slotWaiting, slotOpen, slotEnded},
	slotWaiting:  {slotStarting, slotEnded},
	slotOpen:     {slotStarting, slotEnded},
	slotTrial:    {slotRunning, slotWaiting, slotOpen, slotEnded},
	slotEnded:    nil,
}

// setState is the only way to change a slot's state. until is when it goes on by itself; zero where it does not. The
// caller holds s.mu.
func (s *Supervisor) setState(slot *slot, next slotState, until time.Time) {
	if !slices.Contains(slotTransitions[slot.state], next) {
		panic(fmt.Sprintf("supervisor: slot %d cannot become %s from %s", slot.index, next, slot.state))
	}
	s.log.Debug("slot is "+next.String(), "slot", slot.index, "was", slot.state.String())
	slot.state = next
	slot.status.State, slot.status.Since, slot.status.Until = next.String(), time.Now(), until
}

// Roles of a slot while its process makes way for another.
const (
	RoleReplacement = "replacement" // started beside the one it is to replace; not started again if it ends
	RoleReplaced    = "replaced"    // has been replaced, and ends
)

// Status is what one slot is doing.
type Status struct {
	Slot   int       `json:"slot"`
	Role   string    `json:"role,omitempty"` // replacement or replaced, while two share the slot
	State  string    `json:"state"`          // starting, running, waiting, breaker open, trial, ended
	Since  time.Time `json:"since"`          // of the state
	Until  time.Time `json:"until,omitzero"` // when another process is started, where none runs
	Serial int       `json:"serial"`         // of the last process, never reused
	Pid    int       `json:"pid"`            // 0 while none runs
	// Restarts counts the processes that were started after one had ended by itself; replacements are no restarts.
	Restarts uint64 `json:"restarts"`
	LastExit string `json:"last_exit,omitempty"` // of LastEnd, or why none could be started
	LastEnd  *End   `json:"last_end,omitempty"`
}

// End is how a process ended.
type End struct {
	Slot   int           `json:"slot"`
	Serial int           `json:"serial"`
	Pid    int           `json:"pid"`  // 0 if it could not be started
	Text   string        `json:"exit"` // "exit status 3", "signal: killed"; or why it could not be started
	At     time.Time     `json:"at"`
	Lived  time.Duration `json:"lived"` // nanoseconds
	// Asked is whether somebody wanted it to end. Such ends do not count for the breaker.
	Asked bool `json:"asked"`
	// Role is that of its slot, Open whether the slot's breaker is open now.
	Role string `json:"-"`
	Open bool   `json:"-"`
}
