package swap

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

const (
	clients = 64
	swaps   = 20
)

// span is when a release can have been the active one: from the order to swap to it, until the next one was active.
type span struct{ from, to time.Time }

// checkReleases: every answer comes from a release that was active at some time during its request.
func checkReleases(t *testing.T, all []seen, active map[string]*span) {
	t.Helper()
	counts := map[string]int{}
	for _, s := range all {
		a := active[s.release]
		if a == nil || s.end.Before(a.from) || s.begin.After(a.to) {
			t.Errorf("release %s answered from %v to %v, and was active %+v", s.release, s.begin, s.end, a)
			return
		}
		counts[s.release]++
	}
	for name := range active {
		if counts[name] == 0 {
			t.Errorf("release %s has answered nothing", name)
		}
	}
}

// command runs a client command of the gateway and returns what it printed.
func command(t *testing.T, g *system.Gateway, name string, arguments ...string) (string, error) {
	t.Helper()
	all := append([]string{name, "--admin", strings.TrimPrefix(g.Admin, "http://")}, arguments...)
	output, err := exec.Command(system.Programs.Gateway, all...).CombinedOutput()
	return string(output), err
}

// copied is a program under another name, as a new build would be.
func copied(t *testing.T, program string) string {
	t.Helper()
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func settled(t *testing.T, g *system.Gateway) {
	t.Helper()
	system.Eventually(t, "one worker, one active release", func() bool {
		s := g.Stats()
		active, busy := 0, 0
		for _, r := range s.Releases {
			switch r.State {
			case "active":
				active++
			case "retired", "failed":
			default:
				busy++
			}
		}
		return active == 1 && busy == 0
	})
}

func TestSwapsOfSupervisedWorkers(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "2"} {
		t.Run(loops+" loops", func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{
				Supervised: true, Worker: []string{"--release", "r0"},
				Flags: []string{"--loops", loops, "--workers", "2", "--confirm", "50ms", "--probe", "/headers"},
			})
			g.WaitReady(2)
			app := copied(t, system.Programs.Worker)
			far := time.Now().Add(time.Hour)
			active := map[string]*span{"r0": {time.Time{}, far}}
			crowd := gather(t, g, clients/2, who, hello, echo)
			for i := 1; i <= swaps && !t.Failed(); i++ {
				served := crowd.answers.Load()
				name := fmt.Sprintf("r%d", i)
				active[name] = &span{time.Now(), far}
				output, err := command(t, g, "swap", app, "--", "--release", name)
				if err != nil {
					t.Errorf("swap %d: %v\n%s", i, err, output)
					break
				}
				active[fmt.Sprintf("r%d", i-1)].to = time.Now()
				system.Eventually(t, "answers of the new release", func() bool { return crowd.answers.Load() > served+200 || t.Failed() })
			}
			answers := crowd.disperse()
			t.Logf("%d answers during %d swaps", answers, swaps)
			checkReleases(t, crowd.seen, active)
			settled(t, g)
			g.WaitNoConnections()
			g.WaitIdle()
			if n := len(g.Stats().Workers); n != 2 {
				t.Errorf("%d workers are left, expected 2", n)
			}
			g.Stop()
		})
	}
}

// TestSwapsOfWorkersThatComeByThemselves: starting a worker of a new release is the swap; the old one is told to end.
func TestSwapsOfWorkersThatComeByThemselves(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--confirm", "50ms"}})
	far := time.Now().Add(time.Hour)
	active := map[string]*span{"r0": {time.Time{}, far}}
	old := g.StartWorker("--release", "r0")
	g.WaitReady(1)
	crowd := gather(t, g, clients, who, hello, echo)
	for i := 1; i <= swaps && !t.Failed(); i++ {
		served := crowd.answers.Load()
		name := fmt.Sprintf("r%d", i)
		active[name] = &span{time.Now(), far}
		next := g.StartWorker("--release", name)
		if status := old.Exit(system.Patience); status != 0 {
			t.Errorf("release r%d ended with status %d", i-1, status)
		}
		active[fmt.Sprintf("r%d", i-1)].to = time.Now()
		old = next
		system.Eventually(t, "answers of the new release", func() bool { return crowd.answers.Load() > served+200 || t.Failed() })
	}
	t.Logf("%d answers during %d swaps", crowd.disperse(), swaps)
	checkReleases(t, crowd.seen, active)
	settled(t, g)
	g.WaitNoConnections()
	g.WaitIdle()
	g.Stop()
}

// TestRollbacks: by itself when the new release's workers crash within the time of confirmation, and by command.
func TestRollbacks(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--release", "old"}, Flags: []string{"--confirm", "2s"}})
	crowd := gather(t, g, 16, hello)
	crash := exec.Command(system.Programs.Gateway, "swap", "--admin", strings.TrimPrefix(g.Admin, "http://"), copied(t, system.Programs.Worker), "--", "--release", "new")
	var output bytes.Buffer
	crash.Stdout, crash.Stderr = &output, &output
	if err := crash.Start(); err != nil {
		t.Fatal(err)
	}
	state := func(name string) string {
		for _, r := range g.Stats().Releases {
			if r.Name == name {
				return r.State
			}
		}
		return ""
	}
	system.Eventually(t, "the new release is active", func() bool { return state("new") == "active" })
	for _, w := range g.Stats().Workers {
		if w.Release == "new" {
			kill(t, w.Pid)
		}
	}
	if err := crash.Wait(); err == nil || !strings.Contains(output.String(), "signal: killed") {
		t.Errorf("%v, %s, expected a failure that names the signal", err, &output)
	}
	if state("old") != "active" || state("new") != "failed" {
		t.Errorf("old is %s, new is %s", state("old"), state("new"))
	}
	// And a swap that works, taken back by command.
	if text, err := command(t, g, "swap", copied(t, system.Programs.Worker), "--", "--release", "newer"); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	if text, err := command(t, g, "rollback"); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	settled(t, g)
	served := crowd.answers.Load()
	system.Eventually(t, "answers", func() bool { return crowd.answers.Load() > served+50 || t.Failed() })
	crowd.disperse()
	for _, w := range g.Stats().Workers {
		if w.Release != "old" {
			t.Errorf("a worker of release %s is attached after the rollback", w.Release)
		}
	}
	g.Stop()
}

// TestHangup: another build at the worker's path, here behind a link, is swapped to at HUP; the same one is not.
func TestHangup(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "current")
	point := func(to string) {
		t.Helper()
		_ = os.Remove(link)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	first, second := copied(t, system.Programs.Worker), copied(t, system.Programs.Worker)
	point(first)
	g := system.StartGateway(t, system.Options{Supervised: true, Program: link, Flags: []string{"--confirm", "50ms"}})
	crowd := gather(t, g, 16, hello)
	g.Signal(syscall.SIGHUP)
	system.Eventually(t, "HUP is handled", func() bool { return strings.Contains(g.Stderr(), "signal=hangup") })
	point(second)
	kill(t, g.Stats().Workers[0].Pid)
	system.Eventually(t, "what is started again is the same build", func() bool {
		s := g.Stats()
		return s.Supervisor.Restarts == 1 && len(s.Workers) == 1 && s.Workers[0].State == "ready" && s.Workers[0].Program == first
	})
	g.Signal(syscall.SIGHUP)
	system.Eventually(t, "the other build serves alone", func() bool {
		s := g.Stats()
		return len(s.Workers) == 1 && s.Workers[0].Program == second && s.Workers[0].State == "ready"
	})
	if n := len(g.Stats().Releases); n != 2 {
		t.Errorf("%d releases, expected 2: the first HUP found nothing new", n)
	}
	crowd.disperse()
	g.WaitIdle()
	g.Stop()
}
