package upgrade

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"ringway/internal/admin"
	"ringway/test/e2e/system"
)

// attempt is what the gateway tells of its last upgrade.
func (g *gateway) attempt() admin.Upgrade {
	g.t.Helper()
	if u := g.Stats().Gateway.Upgrade; u != nil {
		return *u
	}
	return admin.Upgrade{}
}

var workerStarted = regexp.MustCompile(`msg="worker started" .*worker_pid=(\d+)`)

// expectNoWorkersBut waits until of the workers that any gateway has started only those are left that are attached.
func (g *gateway) expectNoWorkersBut(attached ...int) {
	g.t.Helper()
	keep := make(map[int]bool)
	for _, pid := range attached {
		keep[pid] = true
	}
	for _, match := range workerStarted.FindAllStringSubmatch(g.Stderr(), -1) {
		pid, err := strconv.Atoi(match[1])
		if err != nil {
			g.t.Fatal(err)
		}
		if !keep[pid] {
			system.Eventually(g.t, fmt.Sprintf("worker %d ends", pid), func() bool { return system.Gone(pid) })
		}
	}
}

// TestFailedUpgrades: whatever is wrong with the new gateway, the old one answers everything, tells why, and can do all that
// it could.
func TestFailedUpgrades(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		program func(t *testing.T) string
		want    string
		pid     bool // there was a process
	}{
		"is missing":    {func(t *testing.T) string { return filepath.Join(t.TempDir(), "missing") }, "cannot start", false},
		"is no gateway": {func(*testing.T) string { return "/bin/true" }, "ended before it served: exit status 0", true},
		"exits at once": {func(t *testing.T) string { return script(t, "exit 7") }, "exit status 7", true},
		"hangs":         {func(t *testing.T) string { return script(t, "exec sleep 60") }, "was not ready within 2s", true},
		"ignores TERM":  {func(t *testing.T) string { return script(t, "trap '' TERM\nwhile :; do sleep 1; done") }, "was not ready within 2s", true},
		"has bad flags": {func(t *testing.T) string {
			return script(t, "shift\nexec "+system.Programs.Gateway+` serve --loops 0 "$@"`)
		}, "loops 0", true},
		"is not the child": {func(t *testing.T) string { return script(t, system.Programs.Gateway+` "$@"`) }, "ended before it served: exit status 1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, system.Options{Supervised: true, Flags: []string{"--ready-limit", "2s", "--workers", "2"}})
			g.WaitReady(2)
			crowd := gather(t, 8, g.addresses()...)
			crowd.waitForEach()
			output, err := g.command("upgrade", test.program(t))
			if err == nil || !strings.Contains(output, test.want) {
				t.Errorf("%v, %q, expected a failure that says %q", err, output, test.want)
			}
			status, err := g.command("status")
			if err != nil || !strings.Contains(status, test.want) {
				t.Errorf("status %v\n%s, expected the reason %q", err, status, test.want)
			}
			u := g.attempt()
			if u.State != "failed" || (u.Pid != 0) != test.pid {
				t.Errorf("upgrade %+v, expected one that failed, with a process: %v", u, test.pid)
			}
			if u.Pid != 0 && !system.Gone(u.Pid) {
				t.Errorf("process %d is left", u.Pid)
			}
			if g.pid() != g.Pid() {
				t.Errorf("process %d answers, expected %d", g.pid(), g.Pid())
			}
			crowd.waitForEach()
			// Workers are accepted again, and the next upgrade does not fail for this one's sake.
			if output, err := g.command("swap", copied(t)); err != nil {
				t.Errorf("swap: %v\n%s", err, output)
			}
			g.upgrade(true)
			crowd.waitForEach()
			g.waitAlone()
			crowd.disperse()
			g.finish()
		})
	}
}

// hanging starts a gateway whose successors do not get ready, because the workers that they start do not, and lets one
// begin.
func hanging(t *testing.T, flags ...string) (*gateway, int) {
	t.Helper()
	app := copied(t)
	g := start(t, system.Options{Supervised: true, Program: app, Flags: flags})
	if err := os.Rename(script(t, "exec sleep 60"), app); err != nil {
		t.Fatal(err)
	}
	signal(t, g.Pid(), syscall.SIGUSR2)
	system.Eventually(t, "a gateway starts its worker", func() bool {
		return len(workerStarted.FindAllString(g.Stderr(), -1)) > 1
	})
	u := g.attempt()
	if u.State != "starting" || u.Pid == 0 {
		t.Fatalf("upgrade %+v, expected one that starts", u)
	}
	g.pids = append(g.pids, u.Pid) // to be ended if the test fails
	return g, u.Pid
}

// TestWhileAGatewayStarts: nothing else is begun; when it is too late, nothing is left of the new gateway.
func TestWhileAGatewayStarts(t *testing.T) {
	t.Parallel()
	g, next := hanging(t, "--ready-limit", "3s")
	crowd := gather(t, 8, g.addresses()...)
	for _, order := range [][]string{{"upgrade", system.Programs.Gateway}, {"swap", system.Programs.Worker}, {"rollback"}} {
		output, err := g.command(order[0], order[1:]...)
		if err == nil || !strings.Contains(output, "an upgrade of the gateway is under way") {
			t.Errorf("%v: %v, %q, expected it to be refused", order, err, output)
		}
	}
	system.Eventually(t, "the upgrade fails", func() bool { return g.attempt().State == "failed" })
	if reason := g.attempt().Reason; !strings.Contains(reason, "ready within 3s") {
		t.Errorf("reason %q", reason)
	}
	crowd.waitForEach()
	crowd.disperse()
	if !system.Gone(next) || g.pid() != g.Pid() {
		t.Errorf("process %d is left, or %d is not the one that serves", next, g.Pid())
	}
	g.expectNoWorkersBut(g.Stats().Workers[0].Pid)
	g.Stop()
	g.expectNoWorkersBut()
}

// TestTheNewGatewayIsEndedBeforeItServes by TERM, which it obeys; the old one serves on.
func TestTheNewGatewayIsEndedBeforeItServes(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			g, next := hanging(t)
			signal(t, next, s)
			system.Eventually(t, "the upgrade fails", func() bool { return g.attempt().State == "failed" })
			if reason := g.attempt().Reason; !strings.Contains(reason, "ended before it served") {
				t.Errorf("reason %q", reason)
			}
			crowd := gather(t, 8, g.addresses()...)
			crowd.waitForEach()
			crowd.disperse()
			g.Stop()
			g.expectNoWorkersBut()
		})
	}
}

// TestTheOldGatewayIsEndedBeforeTheNewServes: both end, by TERM and by KILL, and nothing is left.
func TestTheOldGatewayIsEndedBeforeTheNewServes(t *testing.T) {
	t.Parallel()
	for s, status := range map[syscall.Signal]int{syscall.SIGTERM: 0, syscall.SIGKILL: -1} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			g, next := hanging(t)
			g.Signal(s)
			if got := g.Exit(system.Patience); got != status {
				t.Errorf("the old gateway ended with status %d, expected %d", got, status)
			}
			system.Eventually(t, "the new gateway ends", func() bool { return system.Gone(next) })
			g.expectNoWorkersBut()
		})
	}
}

// TestTheNewGatewayFailsWithAWorkerThatCameByItself: the worker stays with the old gateway.
func TestTheNewGatewayFailsWithAWorkerThatCameByItself(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "gw.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	g := start(t, system.Options{Flags: []string{"--config", config}})
	w := g.StartWorker()
	g.WaitReady(1)
	crowd := gather(t, 8, g.addresses()...)
	write("probe = '/nothing'") // is answered 404
	for range 3 {
		crowd.waitForEach()
		output, err := g.command("upgrade", system.Programs.Gateway)
		if err == nil || !strings.Contains(output, "answered the probe /nothing with status 404") {
			t.Errorf("%v, %q, expected a failure that names the probe", err, output)
		}
	}
	write("")
	g.upgrade(false)
	crowd.waitForEach()
	g.waitAlone()
	crowd.disperse()
	if s := g.Stats(); len(s.Workers) != 1 || s.Workers[0].Pid != w.Pid() {
		t.Errorf("workers %+v, expected the one that was there", s.Workers)
	}
	w.Signal(syscall.SIGTERM)
	if status := w.Exit(system.Patience); status != 0 {
		t.Errorf("the worker ended with status %d", status)
	}
	g.finish()
}
