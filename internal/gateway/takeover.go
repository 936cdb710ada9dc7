package gateway

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"ringway/internal/admin"
	"ringway/internal/handover"
	"ringway/internal/listen"
)

// Handover is what a gateway gets from the one whose place it takes.
type Handover struct {
	State *handover.State
	Line  *handover.Line
}

// takeover is the time until this gateway takes the place of another: its workers get ready, and no client is accepted.
type takeover struct {
	state *handover.State
	line  *handover.Line
	late  []*release // have come by themselves meanwhile: they are to replace the active one afterwards
}

var errTakingOver = errors.New("the gateway has not taken over from the one before yet")

// inheritReleases makes the releases of the gateway before known here, and waits for the one that has the requests.
func (g *Gateway) inheritReleases() error {
	state := g.takeover.state
	g.lastCrew = state.LastCrew
	configured := g.config.Program
	if configured == nil && len(state.Configured) > 0 {
		return &InputError{fmt.Errorf("the gateway before starts its workers and this one is to start none, expected --worker (or a restart)")}
	}
	changed := configured != nil && !slices.Equal(configured.Argv, state.Configured)
	var active *handover.Release
	for i, told := range state.Releases {
		if told.Part == handover.Active && (configured == nil || !changed) {
			active = &state.Releases[i]
		} else {
			g.inheritPast(told)
		}
	}
	switch {
	case configured != nil && (active == nil || len(active.Command) > 0 || active.Expected == 0):
		program := *configured
		switch {
		case active == nil:
		case len(active.Command) > 0:
			program.Argv, program.Build = active.Command, active.Build
		default:
			g.inheritPast(*active)
		}
		c, err := g.startCrew(program)
		if err != nil {
			return &InputError{err}
		}
		waited := slices.ContainsFunc(state.Releases, func(r handover.Release) bool { return r.Part == handover.Active })
		g.beginTakeover(g.addRelease(c.name(), c), waited)
	case active != nil:
		// If none of its workers can come now, some may later.
		r := g.addRelease(active.Name, nil)
		r.expected = active.Expected
		g.beginTakeover(r, active.Expected > 0)
	default:
		g.mail.post(g.readyToServe)
	}
	return nil
}

// inheritPast adds a release that becomes active by command only.
func (g *Gateway) inheritPast(told handover.Release) {
	if len(told.Command) > 0 && (g.config.Program == nil || told.Part != handover.Previous) {
		return
	}
	g.lastRelease++
	r := &release{number: g.lastRelease, name: told.Name, state: releaseRetired, reason: told.Reason, since: time.Now()}
	if told.Failed {
		r.state = releaseFailed
	}
	if len(told.Command) > 0 {
		program := *g.config.Program
		program.Argv = told.Command
		r.crew = &crew{program: program, build: build{path: told.Build}, held: true, ended: true}
	}
	if told.Part == handover.Previous {
		g.previous = r
	}
	g.releases = append(g.releases, r)
}

// beginTakeover gets a release ready. If it is waited for, this gateway serves when it is active, and fails if it fails.
func (g *Gateway) beginTakeover(r *release, waited bool) {
	if !waited {
		g.beginSwap(r, nil)
		g.mail.post(g.readyToServe)
		return
	}
	g.beginSwap(r, func(p admin.Progress) {
		switch {
		case p.Error != "":
			g.failTakeover(errors.New(p.Error))
		case p.Done:
			g.readyToServe()
		default:
			g.tellBefore(handover.Message{Step: p.Step})
		}
	})
}

func (g *Gateway) tellBefore(m handover.Message) {
	if t := g.takeover; t != nil {
		if err := t.line.Send(m); err != nil {
			g.log.Warn("the gateway before cannot be told", "message", m, "error", err)
		}
	}
}

func (g *Gateway) readyToServe() { g.tellBefore(handover.Message{Word: handover.WordReady}) }

// failTakeover ends this gateway, which has not accepted any client.
func (g *Gateway) failTakeover(err error) {
	if g.takeover == nil || g.phase != phaseRunning {
		return
	}
	g.tellBefore(handover.Message{Error: err.Error()})
	g.failure = fmt.Errorf("take over from process %d: %w", g.takeover.state.Pid, err)
	g.cut()
}

// followBefore waits for the word of the gateway before.
func (g *Gateway) followBefore(line *handover.Line) {
	for {
		m, err := line.Receive()
		if err != nil {
			g.mail.post(func() {
				if g.takeover == nil {
					g.own()
				}
				g.failTakeover(errors.New("that gateway is gone, or has given up"))
				line.Close()
			})
			return
		}
		if m.Word == handover.WordServe {
			g.mail.post(g.takeOver)
		}
	}
}

// takeOver: from now on this gateway serves.
func (g *Gateway) takeOver() {
	t := g.takeover
	if t == nil || g.phase != phaseRunning {
		return
	}
	if err := g.addListeners(); err != nil {
		g.failTakeover(err)
		return
	}
	g.tellBefore(handover.Message{Word: handover.WordServing})
	g.takeover = nil
	count(&g.tally.upgrades, upgradeSucceeded)
	g.attempt = &admin.Upgrade{Program: g.config.Self, Pid: t.state.Pid, State: "serving", Since: time.Now()}
	g.log.Info("gateway serves in the place of another", "predecessor_pid", t.state.Pid)
	g.startServing()
	if len(t.late) > 0 {
		newest := t.late[len(t.late)-1]
		g.beginSwap(newest, nil)
		if g.canServe(g.active) {
			g.dropCandidates(0, newest)
		}
		g.judgeSwap()
	}
}

// own takes over the paths of unix sockets. The gateway before has let go of the line, which it does when it leaves them, or
// when it has ended: one that has given up this gateway, although that serves by now, ends it first.
func (g *Gateway) own() {
	for _, listener := range slices.Concat(g.listeners, g.unused) {
		if err := listener.Own(g.listenOptions()); err != nil {
			g.log.Warn("a listener is not quite as configured", "error", err)
		}
	}
	for _, listener := range g.unused {
		listener.Close()
	}
	g.unused = nil
	if g.admin != nil {
		g.admin.Own()
	}
	if err := g.control.Own(); err != nil {
		g.log.Warn("the control socket is not quite as configured", "error", err)
	}
}

// handedListeners are those that were passed.
func (g *Gateway) handedListeners() (*listen.Handed, error) {
	if g.takeover == nil {
		return &listen.Handed{}, nil
	}
	return listen.TakeOver(g.takeover.state.Listeners)
}

// openAdmin opens the admin server, or takes over its listener if the address is the same.
func (g *Gateway) openAdmin() (err error) {
	var passed *listen.Passed
	if g.takeover != nil {
		passed = g.takeover.state.Admin
	}
	switch {
	case passed != nil && passed.Address == g.config.Admin:
		g.admin, err = admin.TakeOver(admin.Options{Address: g.config.Admin, Token: g.config.AdminToken}, *passed, g, g.log)
		return err
	case passed != nil:
		for _, fd := range passed.Sockets {
			_ = os.NewFile(uintptr(fd), passed.Address).Close()
		}
	}
	if g.config.Admin != "" {
		g.admin, err = admin.Open(admin.Options{Address: g.config.Admin, Token: g.config.AdminToken}, g, g.log)
	}
	return err
}
