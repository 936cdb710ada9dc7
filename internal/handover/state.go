// Package handover is how a gateway starts the one that takes its place and hands over what it has open: as descriptors,
// named by the environment variable RINGWAY_HANDOVER, with a line on which both talk until one of them serves alone
// (docs/design.md, section 9).
package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"ringway/internal/listen"
)

// Variable is the environment variable that holds a State as JSON.
const Variable = "RINGWAY_HANDOVER"

// watchdog is the variable that names the process that a service manager wants to hear of (sd_watchdog_enabled(3)).
const watchdog = "WATCHDOG_PID"

// firstDescriptor is the first one that is passed beside standard input, output and error.
const firstDescriptor = 3

// State is what a gateway tells the next one. Descriptors are numbers in the process of the next.
type State struct {
	Pid       int             `json:"pid"`    // of the gateway that hands over
	Parent    int             `json:"parent"` // of the next one
	Line      int             `json:"line"`
	Listeners []listen.Passed `json:"listeners"`
	// Control is the control socket, with its path as the address.
	Control listen.Passed `json:"control"`
	// Admin is that of the admin server; nil if there is none.
	Admin *listen.Passed `json:"admin,omitempty"`

	// Configured is the command of the workers by the configuration, empty if they come by themselves.
	Configured []string  `json:"configured,omitempty"`
	LastCrew   int       `json:"last_crew"` // numbers up to here are those of processes that the gateway before has started
	Releases   []Release `json:"releases,omitempty"`

	// Upgrades and FailedUpgrades are how many there were before this one.
	Upgrades       uint64 `json:"upgrades,omitempty"`
	FailedUpgrades uint64 `json:"failed_upgrades,omitempty"`

	before int // descriptor of the process Pid, negative if it has ended
}

// Parts that a release can have.
const (
	Active   = "active"   // has the requests
	Previous = "previous" // can be rolled back to
	Past     = "past"     // becomes active by command only
)

// Release is one build of the worker.
type Release struct {
	Name   string `json:"name"`
	Part   string `json:"part"`
	Failed bool   `json:"failed,omitempty"` // else it was replaced
	Reason string `json:"reason,omitempty"`
	// Command is that of one whose workers the gateway starts, Build the file that its path led to.
	Command []string `json:"command,omitempty"`
	Build   string   `json:"build,omitempty"`
	// Expected is how many workers of an active one that come by themselves can be expected to come.
	Expected int `json:"expected,omitempty"`
}

// Take takes over what was handed to this process; nil if it was started otherwise. The variable is removed, so that
// children do not take it for theirs. Descriptors are close-on-exec afterwards.
func Take() (*State, *Line, error) {
	text, found := os.LookupEnv(Variable)
	if !found {
		return nil, nil, nil
	}
	if err := os.Unsetenv(Variable); err != nil {
		return nil, nil, err
	}
	state, err := decode(text, os.Getppid())
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", Variable, err)
	}
	// The service manager's watchdog is for the main process, which this one is to become.
	if os.Getenv(watchdog) == strconv.Itoa(state.Pid) {
		if err := os.Setenv(watchdog, strconv.Itoa(os.Getpid())); err != nil {
			return nil, nil, err
		}
	}
	line, err := openLine(state.Line)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: line: %w", Variable, err)
	}
	if state.before, err = unix.PidfdOpen(state.Pid, 0); err != nil {
		state.before = -1
	}
	return state, line, nil
}

// decode checks that the process is the one that was started, and that the descriptors are there.
func decode(text string, parent int) (*State, error) {
	var state State
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return nil, fmt.Errorf("not the JSON of a handover: %w", err)
	}
	if state.Parent != parent {
		return nil, fmt.Errorf("it is for a child of process %d, expected one of process %d", state.Parent, parent)
	}
	seen := make(map[int]bool)
	for _, fd := range state.descriptors() {
		if fd < firstDescriptor || seen[fd] {
			return nil, fmt.Errorf("descriptor %d, expected different ones from %d on", fd, firstDescriptor)
		}
		seen[fd] = true
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			return nil, fmt.Errorf("descriptor %d: %w, expected an open one", fd, err)
		}
	}
	if peer, err := unix.GetsockoptUcred(state.Line, unix.SOL_SOCKET, unix.SO_PEERCRED); err != nil {
		return nil, fmt.Errorf("line: descriptor %d: %w, expected a unix socket", state.Line, err)
	} else if int(peer.Pid) != state.Pid {
		return nil, fmt.Errorf("it is from process %d, and the line from process %d, expected one", state.Pid, peer.Pid)
	}
	if len(state.Control.Sockets) != 1 || state.Control.Lock == 0 {
		return nil, errors.New("no control socket with its lock, expected both")
	}
	return &state, nil
}

func (s *State) descriptors() []int {
	all := []int{s.Line}
	add := func(p listen.Passed) {
		all = append(all, p.Sockets...)
		if p.Lock != 0 {
			all = append(all, p.Lock)
		}
	}
	for _, p := range s.Listeners {
		add(p)
	}
	add(s.Control)
	if s.Admin != nil {
		add(*s.Admin)
	}
	return all
}
