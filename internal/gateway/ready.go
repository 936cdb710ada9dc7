package gateway

// Ready says why no more clients should be sent here; empty if they should. Safe for concurrent use.
func (g *Gateway) Ready() string {
	reason := "the gateway has ended"
	g.mail.look(func() {
		switch {
		case g.phase != phaseRunning:
			reason = "the gateway is " + g.phase.String()
		case g.active == nil:
			reason = "no worker has been ready yet"
		case g.readyOf(g.active) == 0:
			reason = "no worker of release " + g.active.name + " is ready"
		default:
			reason = ""
		}
	})
	return reason
}
