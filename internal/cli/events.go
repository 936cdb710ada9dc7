package cli

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"ringway/internal/admin"
)

// printEvents prints one line for each event until it is interrupted.
func printEvents(args []string, stdout, stderr io.Writer, _ NewEngine) error {
	c, o, err := plainClient("events", args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return c.follow(ctx, &eventPrinter{stdout: stdout, stderr: stderr, json: o.json})
}

type eventPrinter struct {
	stdout, stderr io.Writer
	json           bool
}

func (p *eventPrinter) begins(*admin.Snapshot, bool) error { return nil }

func (p *eventPrinter) event(text []byte, e admin.Event) error {
	line := string(text)
	if !p.json {
		line = e.Time.Local().Format(time.RFC3339) + "  " + eventText(e)
	}
	_, err := fmt.Fprintln(p.stdout, line)
	return err
}

func (p *eventPrinter) sample(admin.Sample) error { return nil }

func (p *eventPrinter) lost(cause error) error {
	_, _ = fmt.Fprintf(p.stderr, "gateway: connection lost, it is tried again: %v\n", cause)
	return nil
}

// eventText is an event in words. Names come from workers.
func eventText(e admin.Event) string {
	text := e.Kind
	if e.Name != "" {
		text += " " + printable(e.Name)
	}
	if e.Was != "" {
		text += ": " + e.Was + " -> " + e.State
	} else {
		text += ": " + e.State
	}
	if e.Reason != "" {
		text += " (" + printable(strings.TrimSpace(e.Reason)) + ")"
	}
	return text
}
