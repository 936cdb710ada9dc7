package gateway

import (
	"ringway/internal/engine"
)

// takeNotices passes what the engine noticed to the core until the gateway has ended.
func (g *Gateway) takeNotices() {
	notices := g.engine.Notices()
	for {
		select {
		case notice, open := <-notices:
			if !open {
				return
			}
			g.takeNotice(notice)
		case <-g.done:
			return
		}
	}
}

func (g *Gateway) takeNotice(notice engine.Notice) {
	switch notice.Kind {
	case engine.Violation:
		g.mail.post(func() { g.violation(notice.Worker, notice.Text) })
	case engine.Idle:
		g.mail.post(func() { g.idle(notice.Worker) })
	case engine.Probed:
		g.mail.post(func() { g.probed(notice.Worker, notice.Loop, notice.Round, notice.Status) })
	case engine.Stuck:
		g.mail.post(func() { g.stuck(notice.Worker, notice.Stuck) })
	case engine.Released:
		g.mail.post(func() { g.released(notice.Worker) })
	case engine.Quiet:
		g.mail.post(g.quiet)
	case engine.Refused:
		// Not through the core: clients decide how many of these there are.
		g.refusals.log(notice)
	}
}
