// Package notify tells the service manager how the gateway is (sd_notify(3)): that it is ready, reads its configuration
// again, ends, and is alive. Without a manager that listens (NOTIFY_SOCKET) it does nothing.
package notify

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Manager is the service manager, if there is one. Its methods are safe for concurrent use.
type Manager struct{ log *slog.Logger }

// New returns the manager that the environment names.
func New(log *slog.Logger) *Manager { return &Manager{log} }

// Ready says that the gateway serves, and how it is in a line for people. It also ends Reloading.
func (m *Manager) Ready(status string) { m.send("READY=1\nSTATUS=" + status) }

// Reloading says that the configuration is being read again. Ready has to follow.
func (m *Manager) Reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		m.log.Warn("the service manager cannot be told of a reload: there is no monotonic clock", "error", err)
		return
	}
	m.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
}

// Stopping says that the end has begun.
func (m *Manager) Stopping() { m.send("STOPPING=1\nSTATUS=draining") }

// Succeeded says that another process serves from now on, which speaks for the gateway. Its time until it has to show that
// it is alive begins.
func (m *Manager) Succeeded(pid int) { m.send(fmt.Sprintf("MAINPID=%d\nWATCHDOG=1", pid)) }

// Watch shows the manager that the gateway is alive, if it wants to know (WatchdogSec=), until done is closed: twice in
// each interval it calls alive, which has a quarter of the interval to find out. Where it returns an error the manager is
// told nothing, and ends the gateway when the interval has passed.
func (m *Manager) Watch(done <-chan struct{}, alive func(within time.Duration) error) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		m.log.Warn("the service manager's watchdog is not served", "error", err)
		return
	}
	if interval == 0 {
		return
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		if err := alive(interval / 4); err != nil {
			m.log.Error("the service manager is not told that the gateway is alive", "error", err, "interval", interval)
		} else {
			m.send(daemon.SdNotifyWatchdog)
		}
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

func (m *Manager) send(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		m.log.Warn("the service manager cannot be told", "state", state, "error", err)
	}
}
