package gateway

import (
	"fmt"
	"time"

	"ringway/internal/admin"
	"ringway/internal/engine"
)

// Live is what can change while a gateway runs.
type Live struct {
	// Settings are the engine's.
	Settings engine.Settings
	// The others as in Config. Who is attached stays, also where a limit is lowered below that or a user is left out.
	SocketUsers []uint32
	MaxWorkers  int
	MemoryLimit int64
	DrainDelay  time.Duration
	DrainLimit  time.Duration
	Recycle     Recycle
}

// Change puts other values in force, all or none of them.
func (g *Gateway) Change(to Live) error {
	err := errStopping
	g.mail.call(func() {
		if g.phase == phaseRunning {
			err = g.change(to)
		}
	})
	return err
}

func (g *Gateway) change(to Live) error {
	if err := g.control.Change(to.SocketUsers, to.MaxWorkers, to.MemoryLimit); err != nil {
		return err
	}
	if err := g.engine.Change(to.Settings); err != nil {
		if back := g.control.Change(g.config.SocketUsers, g.config.MaxWorkers, g.config.MemoryLimit); back != nil {
			g.log.Error("the control socket keeps changed values", "error", back)
		}
		return fmt.Errorf("engine: %w", err)
	}
	g.config.SocketUsers, g.config.MaxWorkers, g.config.MemoryLimit = to.SocketUsers, to.MaxWorkers, to.MemoryLimit
	g.config.DrainDelay, g.config.DrainLimit, g.config.Recycle = to.DrainDelay, to.DrainLimit, to.Recycle
	return nil
}

// Configured says what is told of the configuration.
func (g *Gateway) Configured(state admin.Configuration) {
	g.configured.Store(&state)
	change := admin.Event{Kind: "config", Name: state.File, State: "in force"}
	if state.LastError != "" {
		change.State, change.Reason = "not in force", state.LastError
	}
	g.journal.Add(change)
}
