package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"ringway/internal/gateway"
)

// serve runs a gateway until it was told to stop and everything has ended.
func serve(args []string, stdout, stderr io.Writer, newEngine NewEngine) error {
	o, f, err := parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		return serveHelp(stdout)
	}
	if err != nil {
		return err
	}
	settled, err := settle(o, f)
	if err != nil {
		return err
	}
	log := newLog(stderr, o.logFormat)
	if err := gateway.Harden(); err != nil {
		return fmt.Errorf("prepare the process: %w", err)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)

	engine, err := newEngine(settled.engine)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	g, err := gateway.Start(settled.gateway, engine, log)
	if err != nil {
		return err
	}
	if err := announce(stdout, g, settled.gateway.Socket); err != nil {
		log.Warn("standard output cannot be written", "error", err)
	}
	wait(g, signals, log)
	return nil
}

// announce prints the bound addresses, which scripts read.
func announce(stdout io.Writer, g *gateway.Gateway, socket string) error {
	var text string
	for _, url := range g.URLs() {
		text += "listening on " + url + "\n"
	}
	if admin := g.AdminURL(); admin != "" {
		text += "admin on " + admin + "\n"
	}
	_, err := io.WriteString(stdout, text+"control socket on "+socket+"\n")
	return err
}

// wait returns when the gateway has ended: the first signal lets it end cleanly, a second one at once.
func wait(g *gateway.Gateway, signals <-chan os.Signal, log *slog.Logger) {
	stop := g.Stop
	for {
		select {
		case received := <-signals:
			log.Info("signal received", "signal", received.String())
			stop()
			stop = g.Cut
		case <-g.Done():
			return
		}
	}
}

func newLog(stderr io.Writer, format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(stderr, nil))
	}
	return slog.New(slog.NewTextHandler(stderr, nil))
}
