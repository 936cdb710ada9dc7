package cli

import (
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"ringway/internal/admin"
	"ringway/internal/gateway"
	"ringway/internal/handover"
)

// before is the gateway whose place this process is to take, if there is one.
type before struct{ handover *gateway.Handover }

func takeHandover() (before, error) {
	state, line, err := handover.Take()
	if err != nil || state == nil {
		return before{}, err
	}
	return before{&gateway.Handover{State: state, Line: line}}, nil
}

// outlast waits for that gateway's end, if a service manager would kill it else.
func (b before) outlast(limit time.Duration) {
	if b.handover != nil {
		b.handover.State.Outlast(limit)
	}
}

// tell passes on why this process ends. That gateway has given up already if the line is closed.
func (b before) tell(err error) {
	if b.handover != nil && err != nil {
		_ = b.handover.Line.Send(handover.Message{Error: err.Error()})
	}
}

// ownPath is the path that the process was started by, with links: another build may lie there later.
func ownPath() string {
	name, err := exec.LookPath(os.Args[0])
	if err == nil {
		name, err = filepath.Abs(name)
	}
	if err != nil {
		name, _ = os.Executable() // empty if there is none: it is refused when it is needed
	}
	return name
}

// upgradeOn puts what lies at the gateway's own path in its place at each signal.
func upgradeOn(signals <-chan os.Signal, g *gateway.Gateway, log *slog.Logger) {
	for {
		select {
		case received := <-signals:
			log.Info("signal received", "signal", received.String())
			if err := g.Upgrade("", nil); err != nil {
				log.Error("the gateway is not upgraded", "reason", err)
			}
		case <-g.Done():
			return
		}
	}
}

func upgrade(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, f, _, err := parseClient("upgrade", args)
	if err != nil {
		return err
	}
	if f.NArg() != 1 {
		return badInput("%d arguments, expected the path of the new gateway: upgrade [--admin ADDR] PATH", f.NArg())
	}
	program, err := filepath.Abs(f.Arg(0))
	if err != nil {
		return badInput("program %q: %w", f.Arg(0), err)
	}
	return c.order("/upgrade", admin.UpgradeOrder{Program: program}, stdout)
}
