package gateway

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ringway/internal/admin"
	"ringway/internal/handover"
	"ringway/ring"
)

// successor is a program in the place of a gateway.
func successor(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUpgradesThatAreNotBegun(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.Self = "/no/such/gateway" })
	refused := func(program, want string) {
		t.Helper()
		err := g.Upgrade(program, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, expected %q", program, err, want)
		}
		if u := g.Snapshot().Gateway.Upgrade; u == nil || u.State != "failed" || u.Reason != err.Error() {
			t.Errorf("%q: told of as %+v", program, u)
		}
	}
	refused("", `"/no/such/gateway" cannot start: no such file`)
	refused("gateway", "is no absolute path")
	attachWorker(t, g, fake, 1)
	refused("/bin/true", "no worker of release r1 can be attached to two gateways")
	// Whatever was tried, workers are accepted.
	attachWorker(t, g, fake, 2)
	g.mail.call(func() { g.pid = 1 })
	refused("/bin/true", "process 1")
	if err := g.Swap("/bin/true", nil, nil); err == nil || strings.Contains(err.Error(), "upgrade") {
		t.Errorf("a swap afterwards: %v", err)
	}
}

func TestNoUpgradeWhileReleasesChange(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, func(c *Config) { c.ReadyWorkers = 1 })
	attachWorker(t, g, fake, 1)
	conn, err := net.Dial("unixpacket", g.config.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	w := &fakeWorker{t, conn}
	w.send("hello", fmt.Sprintf(`,"protocol":1,"layout":%d,"release":"r2"`, ring.LayoutVersion))
	if kind := w.receive(); kind != "attach" {
		t.Fatalf("received %q, want attach", kind)
	}
	if err := g.Upgrade("/bin/true", nil); err == nil || !strings.Contains(err.Error(), "a swap is under way") {
		t.Errorf("%v", err)
	}
}

// The outcome of an upgrade that fails is told once the other process has ended.
func TestAnUpgradeThatFails(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	steps := make(chan admin.Progress, 16)
	if err := g.Upgrade(successor(t, "exit 7"), func(p admin.Progress) { steps <- p }); err != nil {
		t.Fatal(err)
	}
	if err := g.Upgrade("/bin/true", nil); err != errUpgrading && err != nil {
		t.Errorf("a second upgrade: %v", err)
	}
	var last admin.Progress
	for !last.Done {
		last = <-steps
	}
	if !strings.Contains(last.Error, "exit status 7") {
		t.Errorf("%+v", last)
	}
	eventually(t, "another order is possible", func() bool { return g.order(func() error { return nil }) == nil })
	attachWorker(t, g, fake, 1)
}

// A gateway that is told to stop ends the one that was to take its place.
func TestStopDuringAnUpgrade(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	steps := make(chan admin.Progress, 16)
	if err := g.Upgrade(successor(t, "exec sleep 60"), func(p admin.Progress) { steps <- p }); err != nil {
		t.Fatal(err)
	}
	pid := g.Snapshot().Gateway.Upgrade.Pid
	g.Stop()
	waitDone(t, g)
	if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid))); err == nil {
		t.Errorf("process %d is left", pid)
	}
	var last admin.Progress
	for !last.Done {
		last = <-steps
	}
	if last.Error != "the gateway was told to stop" {
		t.Errorf("%+v", last)
	}
}

// Processes that a gateway before or after has started would pass for a new release.
func TestWorkersOfAnotherGatewayAreRefused(t *testing.T) {
	fake := newFakeEngine()
	g := start(t, fake, nil)
	conn, err := net.Dial("unixpacket", g.config.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	w := &fakeWorker{t, conn}
	w.send("hello", fmt.Sprintf(`,"protocol":1,"layout":%d,"release":"r2","crew":%d`, ring.LayoutVersion, ticket(3, 1)))
	if kind := w.receive(); kind != "refuse" {
		t.Fatalf("received %q, want refuse", kind)
	}
	if all := g.Snapshot().Releases; len(all) != 0 {
		t.Errorf("releases %+v", all)
	}
}

// A gateway that was given up may have begun to serve: the paths of unix sockets are its own when the one before lets go.
func TestPathsBelongToTheGatewayBeforeUntilItLetsGo(t *testing.T) {
	for name, letsGo := range map[string]bool{"it lets go": true, "it has given up": false} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "h")
			g := start(t, newFakeEngine(), func(c *Config) { c.Listen, c.Admin = []string{"unix:" + path}, "" })
			before, err := handover.Start(successor(t, "exec sleep 60"), func(func(int) int) (handover.State, error) {
				return handover.State{}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			defer before.End(0)
			g.mail.call(func() {
				g.listeners[0].Disown()
				g.serving = make(chan struct{})
				g.takeover = &takeover{state: &handover.State{}, line: before.Line}
				g.takeOver()
			})
			heard := make(chan struct{})
			go func() { defer close(heard); g.followBefore(before.Line) }()
			if letsGo {
				before.End(0)
				<-heard
			}
			g.StopNow()
			waitDone(t, g)
			if _, err := os.Lstat(path); (err == nil) == letsGo {
				t.Errorf("the path after the end: %v", err)
			}
		})
	}
}
