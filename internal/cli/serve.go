package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"ringway/internal/accesslog"
	"ringway/internal/gateway"
	"ringway/internal/notify"
)

// processors is how many this process may use at a time (GOMAXPROCS), before serve limits its Go half.
var processors = runtime.GOMAXPROCS(0)

// limitGo leaves the processors to the event loops: what Go does here is little, and with one of them it need not wake up
// threads to share it. GOMAXPROCS in the environment says otherwise.
func limitGo() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// serve runs a gateway until it was told to stop and everything has ended.
func serve(args []string, stdout, stderr io.Writer, newEngine NewEngine) (err error) {
	// From the beginning: one that comes too early would end the process.
	hangups := make(chan os.Signal, 1) // several that wait are one
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	upgrades := make(chan os.Signal, 1)
	signal.Notify(upgrades, syscall.SIGUSR2)
	defer signal.Stop(upgrades)

	before, err := takeHandover()
	if err != nil {
		return err
	}
	defer func() { before.tell(err) }()
	in, err := readInput(args)
	if err != nil {
		return err
	}
	if _, test := in.flags[testFlag]; test {
		return in.check(stdout)
	}
	current, err := newRunning(in)
	if err != nil {
		return err
	}
	settled := current.settled
	log := newLog(stderr, settled)
	if settled.socketMode != 0 {
		if err := makeDirectory(filepath.Dir(settled.gateway.Socket), settled.socketMode); err != nil {
			return err
		}
	}
	limitGo()
	if err := gateway.Harden(); err != nil {
		return fmt.Errorf("prepare the process: %w", err)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1)
	defer signal.Stop(signals)

	config := settled.gateway // what is opened is no part of what reloads compare
	config.Handover, config.Self, config.LogLevel = before.handover, ownPath(), log.level
	if config.AdminToken, err = readToken(current.options.adminTokenFile); err != nil {
		return in.locate(err)
	}
	if config.AccessLog, err = openAccessLog(current.options, log.Logger); err != nil {
		return in.locate(err)
	}
	engine, err := newEngine(settled.engine)
	if err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	g, err := gateway.Start(config, engine, log.Logger)
	if err != nil {
		return in.locate(err)
	}
	reloader := newReloader(current, g, log)
	manager, serving := notify.New(log.Logger), "serving on "+strings.Join(slices.Concat(g.URLs(), g.ProxyURLs()), " ")
	go func() {
		<-g.Stopping()
		if pid := g.Successor(); pid != 0 {
			manager.Succeeded(pid)
		} else {
			manager.Stopping()
		}
	}()
	go reloadOn(hangups, g, log.Logger, func() {
		manager.Reloading()
		defer manager.Ready(serving)
		_ = reloader.Reload() // logged
		if _, err := g.Refresh(); err != nil {
			log.Error("the worker was not replaced", "error", err)
		}
	})
	go upgradeOn(upgrades, g, log.Logger)
	served := false
	wait(g, signals, config.AccessLog, log.Logger, func() {
		served = true
		if err := announce(stdout, g, settled.gateway.Socket); err != nil {
			log.Warn("standard output cannot be written", "error", err)
		}
		manager.Ready(serving)
		go manager.Watch(g.Done(), g.Alive)
	})
	if served {
		before.outlast(config.DrainLimit)
	}
	return g.Err()
}

// reloadOn calls reload at each signal. It is no part of wait: looking up users may take its time.
func reloadOn(hangups <-chan os.Signal, g *gateway.Gateway, log *slog.Logger, reload func()) {
	for {
		select {
		case received := <-hangups:
			log.Info("signal received", "signal", received.String())
			reload()
		case <-g.Done():
			return
		}
	}
}

// openAccessLog returns nil if there is to be none.
func openAccessLog(o *options, log *slog.Logger) (*accesslog.Log, error) {
	if o.accessLog == "" {
		return nil, nil
	}
	opened, err := accesslog.Open(accesslog.Config{Path: o.accessLog, Format: o.accessLogFormat, Log: log})
	if err != nil {
		return nil, &gateway.InputError{Err: err}
	}
	return opened, nil
}

// announce prints the bound addresses, which scripts read.
func announce(stdout io.Writer, g *gateway.Gateway, socket string) error {
	var text string
	for _, url := range g.URLs() {
		text += "listening on " + url + "\n"
	}
	for _, url := range g.ProxyURLs() {
		text += "listening for proxies on " + url + "\n"
	}
	if admin := g.AdminURL(); admin != "" {
		text += "admin on " + admin + "\n"
	}
	_, err := io.WriteString(stdout, text+"control socket on "+socket+"\n")
	return err
}

// wait returns when the gateway has ended: the first signal lets it end cleanly, a second one at once. USR1 opens the
// access log again. serves is called once clients are accepted, if ever.
func wait(g *gateway.Gateway, signals <-chan os.Signal, access *accesslog.Log, log *slog.Logger, serves func()) {
	stop, serving := g.Stop, g.Serving()
	for {
		select {
		case <-serving:
			serving = nil
			serves()
		case received := <-signals:
			if received == syscall.SIGUSR1 {
				reopen(access, log)
				continue
			}
			log.Info("signal received", "signal", received.String())
			stop()
			stop = g.Cut
		case <-g.Done():
			return
		}
	}
}

func reopen(access *accesslog.Log, log *slog.Logger) {
	if access == nil {
		log.Info("nothing was reopened: there is no access log")
		return
	}
	access.Reopen()
}
