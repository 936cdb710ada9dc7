package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ringway/internal/admin"
)

// top draws what the gateway does on a terminal each second, or writes a line for it.
func top(args []string, stdout, _ io.Writer, _ NewEngine) error {
	c, o, err := plainClient("top", args)
	if err != nil {
		return err
	}
	if o.samples < 0 {
		return badInput("--samples %d, expected 0 or more", o.samples)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if file, ok := stdout.(*os.File); ok && isTerminal(file) {
		return c.topOn(ctx, os.Stdin, file, o.samples)
	}
	return c.follow(ctx, &viewer{client: c, out: stdout, left: o.samples})
}

// topOn draws on a terminal until ctx is done or q comes from in, and leaves it as it was.
func (c *client) topOn(ctx context.Context, in, out *os.File, samples int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t, err := openTerminal(in, out)
	if err != nil {
		return err
	}
	defer t.restore()
	go t.awaitQ(cancel)
	return c.follow(ctx, &viewer{client: c, out: out, left: samples, terminal: t})
}

// viewer is the follower of top.
type viewer struct {
	*client
	out      io.Writer
	terminal *terminal // nil: a line for each sample
	left     int       // samples until the end; 0: there is none

	snapshot *admin.Snapshot
	last     *admin.Sample
	rates    rates
	known    bool      // the rates
	history  []float64 // requests in each second
	events   []admin.Event
	trouble  string // why nothing comes
	stale    bool   // the snapshot: something has changed since
}

const (
	viewHistory = 300 // samples
	viewEvents  = 64
)

func (v *viewer) begins(s *admin.Snapshot, anew bool) error {
	v.snapshot, v.trouble = s, ""
	if anew {
		v.last, v.known, v.events = nil, false, nil
	}
	return nil
}

func (v *viewer) event(_ []byte, e admin.Event) error {
	v.stale = true
	v.events = append(v.events, e)
	v.events = v.events[max(0, len(v.events)-viewEvents):]
	if v.terminal == nil {
		_, err := fmt.Fprintln(v.out, e.Time.Local().Format(time.TimeOnly)+"  "+eventText(e))
		return err
	}
	return nil
}

func (v *viewer) sample(s admin.Sample) error {
	if v.last != nil {
		v.rates, v.known = between(v.last, &s, v.snapshot.LatencyBounds)
	}
	v.last = &s
	if v.known {
		v.history = append(v.history, v.rates.requests)
		v.history = v.history[max(0, len(v.history)-viewHistory):]
	}
	if v.terminal != nil {
		v.refresh()
	}
	if err := v.draw(); err != nil {
		return err
	}
	if v.left > 0 {
		if v.left--; v.left == 0 {
			return errEnough
		}
	}
	return nil
}

// refresh asks for releases and workers when they have changed. Where that fails the events end soon, too.
func (v *viewer) refresh() {
	if !v.stale {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	if s, err := v.client.snapshot(ctx); err == nil {
		v.snapshot, v.stale = s, false
	}
}

func (v *viewer) lost(cause error) error {
	v.trouble = fmt.Sprintf("connection lost, it is tried again: %v", cause)
	if v.terminal == nil {
		_, err := fmt.Fprintln(v.out, v.trouble)
		return err
	}
	return v.draw()
}

func (v *viewer) draw() error {
	if v.terminal == nil {
		_, err := fmt.Fprintln(v.out, v.line())
		return err
	}
	width, height := v.terminal.size()
	var frame bytes.Buffer
	frame.WriteString(home)
	for i, line := range v.frame(width, height) {
		if i > 0 {
			frame.WriteString("\n")
		}
		frame.WriteString(line + eraseLine)
	}
	frame.WriteString(eraseBelow)
	_, err := v.out.Write(frame.Bytes())
	return err
}
