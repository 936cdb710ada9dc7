package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ringway/test/e2e/system"
)

// gateway is one that others take the place of.
type gateway struct {
	*system.Gateway
	t    *testing.T
	unix string // path of its second listener
	pids []int  // of all that have served, the one that serves last
}

func start(t *testing.T, o system.Options) *gateway {
	t.Helper()
	directory := t.TempDir()
	g := &gateway{t: t, unix: filepath.Join(directory, "h")}
	o.Log = filepath.Join(directory, "log")
	o.Flags = append([]string{"--listen", "unix:" + g.unix, "--confirm", "50ms"}, o.Flags...)
	g.Gateway = system.StartGateway(t, o)
	g.pids = []int{g.Pid()}
	t.Cleanup(func() { // before the first one is ended
		for _, pid := range g.pids[1:] {
			if !system.Gone(pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	return g
}

func (g *gateway) addresses() [][2]string {
	return [][2]string{{"tcp", g.Addr}, {"unix", g.unix}}
}

// command runs a client command of the gateway and returns what it printed.
func (g *gateway) command(name string, arguments ...string) (string, error) {
	all := append([]string{name, "--admin", strings.TrimPrefix(g.Admin, "http://")}, arguments...)
	output, err := exec.Command(system.Programs.Gateway, all...).CombinedOutput()
	return string(output), err
}

// pid is the process that the admin server belongs to.
func (g *gateway) pid() int {
	g.t.Helper()
	return g.Stats().Gateway.Pid
}

func (g *gateway) serving() int { return g.pids[len(g.pids)-1] }

// upgrade puts another process in the place of the one that serves, by command or by signal.
func (g *gateway) upgrade(bySignal bool) {
	g.t.Helper()
	if bySignal {
		signal(g.t, g.serving(), syscall.SIGUSR2)
	} else if output, err := g.command("upgrade", system.Programs.Gateway); err != nil {
		g.t.Fatalf("upgrade: %v\n%s", err, output)
	}
	system.Eventually(g.t, "another process serves", func() bool { return g.pid() != g.serving() })
	g.pids = append(g.pids, g.pid())
}

// waitAlone waits until all gateways before the one that serves have ended.
func (g *gateway) waitAlone() {
	g.t.Helper()
	for _, pid := range g.pids[:len(g.pids)-1] {
		system.Eventually(g.t, fmt.Sprintf("gateway %d ends", pid), func() bool { return system.Gone(pid) })
	}
}

// finish ends the gateway that serves, and looks for what is left behind.
func (g *gateway) finish() {
	g.t.Helper()
	g.waitAlone()
	var workers []int
	for _, w := range g.Stats().Workers {
		workers = append(workers, w.Pid)
	}
	supervised := g.Stats().Supervisor != nil
	signal(g.t, g.serving(), syscall.SIGTERM)
	system.Eventually(g.t, "the last gateway ends", func() bool { return system.Gone(g.serving()) })
	for _, pid := range workers {
		if supervised && !system.Gone(pid) {
			g.t.Errorf("worker %d has outlived its gateway", pid)
		}
	}
	for _, path := range []string{g.unix, g.unix + ".lock", g.Socket, g.Socket + ".lock"} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			g.t.Errorf("%s is left behind (%v)", path, err)
		}
	}
}

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Errorf("signal %v for %d: %v", s, pid, err)
	}
}

// descriptors are what the serving process has open while nothing goes on; nil where the kernel does not tell.
func (g *gateway) descriptors() []string {
	g.t.Helper()
	g.WaitNoConnections()
	g.WaitIdle()
	directory := fmt.Sprintf("/proc/%d/fd", g.serving())
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrPermission) {
		return nil // not dumpable: only root may look
	}
	if err != nil {
		g.t.Fatal(err)
	}
	var open []string
	for _, entry := range entries {
		if target, err := os.Readlink(directory + "/" + entry.Name()); err == nil {
			kind, _, _ := strings.Cut(target, ":")
			open = append(open, kind)
		}
	}
	slices.Sort(open)
	return open
}

// script is a program in a file of its own.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// copied is the worker under another name, as a new build would be.
func copied(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(system.Programs.Worker)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
