package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/supervisor"
)

// crew is the processes that the gateway runs of one release.
type crew struct {
	number     int // never reused; the workers repeat it when they attach
	program    Program
	build      build
	supervisor *supervisor.Supervisor
	recycler   recycler
	release    atomic.Pointer[string] // its name, for who is not the core
	held       bool                   // no process is started any more
	ended      bool                   // and none is left
}

// Environment variables of supervised workers.
const (
	envSocket     = "RINGWAY_SOCKET"
	envSupervised = "RINGWAY_SUPERVISED"
	envCrew       = "RINGWAY_CREW" // its ticket
)

// serialBits is how much of a ticket the process's serial number takes.
const serialBits = 32

// ticket is what a worker repeats when it attaches: which crew, and which of its processes it is.
func ticket(crew, serial int) int { return crew<<serialBits | serial }

func readTicket(ticket int) (crew, serial int) {
	return ticket >> serialBits, ticket & (1<<serialBits - 1)
}

// hasStarted tells whether a ticket is of one of this gateway's crews. During an upgrade those of two gateways come here.
func (g *Gateway) hasStarted(ticket int) bool {
	number, _ := readTicket(ticket)
	return slices.ContainsFunc(g.releases, func(r *release) bool { return r.crew != nil && r.crew.number == number })
}

// build is the file that a program's path led to, and tells it from another that takes its place.
type build struct {
	path        string // without links
	device, ino uint64
	size        int64
	modified    time.Time
}

func buildAt(path string) (build, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return build{}, fmt.Errorf("worker %q cannot start: %w, expected an executable that this host can run", path, reasonOf(err))
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return build{}, fmt.Errorf("worker %q cannot start: %w, expected an executable that this host can run", path, reasonOf(err))
	}
	b := build{path: resolved, size: info.Size(), modified: info.ModTime()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		b.device, b.ino = stat.Dev, stat.Ino
	}
	return b, nil
}

// reasonOf is the short cause inside an error that names the path.
func reasonOf(err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}

// startCrew starts the processes of a program. A link is followed now: what is started again later is the same build.
func (g *Gateway) startCrew(program Program) (*crew, error) {
	found, err := buildAt(cmp.Or(program.Build, program.Argv[0]))
	if err != nil {
		return nil, err
	}
	program.Build = ""
	g.lastCrew++
	c := &crew{number: g.lastCrew, program: program, build: found, recycler: newRecycler()}
	name := c.name()
	c.release.Store(&name)
	started, err := supervisor.Start(supervisor.Config{
		Argv: append([]string{found.path}, program.Argv[1:]...), Count: program.Count, Credential: program.Credential, Log: g.log,
		Env:     append(inherited(os.Environ()), envSocket+"="+g.config.Socket, envSupervised+"=1"),
		Mark:    func(serial int) string { return envCrew + "=" + strconv.Itoa(ticket(c.number, serial)) },
		Breaker: g.config.Breaker,
		Release: func() string { return *c.release.Load() },
		Ended: func(e supervisor.End) {
			g.mail.post(func() { g.processEnded(c, e) })
		},
	})
	if err != nil {
		return nil, err
	}
	c.supervisor = started
	go func() {
		<-started.Done()
		g.mail.post(func() { g.crewEnded(c) })
	}()
	return c, nil
}

// managed are the variables by which a service manager speaks to this process and to no other (sd_notify(3)).
var managed = []string{"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}

// inherited is what workers get of the gateway's environment.
func inherited(environment []string) []string {
	return slices.DeleteFunc(environment, func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(managed, name)
	})
}

func (c *crew) name() string { return filepath.Base(c.program.Argv[0]) }

// dismissCrew starts no more processes of a release, and ends those that are not attached; the others end when they are
// let go.
func (g *Gateway) dismissCrew(r *release) {
	c := r.crew
	if c.held {
		return
	}
	c.held = true
	c.supervisor.Hold()
	attached := make(map[int]bool)
	for _, w := range g.workersOf(r) {
		attached[w.peer.Pid] = true
	}
	for _, slot := range c.supervisor.Status() {
		if slot.Pid != 0 && !attached[slot.Pid] {
			c.supervisor.Signal(slot.Pid, unix.SIGTERM)
		}
	}
	g.mail.after(g.config.DrainLimit+killGrace, func() {
		if !c.ended {
			c.supervisor.SignalAll(unix.SIGKILL)
		}
	})
}

// processEnded: a process that the gateway has started is over.
func (g *Gateway) processEnded(c *crew, e supervisor.End) {
	g.recyclingEnded(c, e)
	g.tally.processEnded(e)
	r := g.releaseOfCrew(c)
	if r == nil || c.held || g.phase != phaseRunning || e.Asked || e.Role != "" {
		return
	}
	r.broken = e.Open
	g.crashed(r, e.Text+" after "+e.Lived.Round(time.Millisecond).String())
}

func (g *Gateway) crewEnded(c *crew) {
	c.ended = true
	if r := g.releaseOfCrew(c); r != nil {
		g.checkRetired(r)
	}
	g.checkEnded()
}

func (g *Gateway) releaseOfCrew(c *crew) *release {
	for _, r := range g.releases {
		if r.crew == c {
			return r
		}
	}
	return nil
}

// crews are those that still have processes, or may start some.
func (g *Gateway) crews() []*crew {
	var all []*crew
	for _, r := range g.releases {
		if r.crew != nil && !r.crew.ended {
			all = append(all, r.crew)
		}
	}
	return all
}
