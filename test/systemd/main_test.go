//go:build systemd

package systemd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// inside is set where systemd is process 1.
	inside = "RINGWAY_INSIDE"
	// patience is what anything may take that systemd does.
	patience = time.Minute
)

// install is what docs/operate.md says.
const install = `cd /ringway
useradd --system --no-create-home ringway
useradd --system --no-create-home worker
install -m 755 bin/gateway /usr/local/bin/gateway
install -m 755 bin/appworker /usr/local/bin/myservice
install -D -m 644 deploy/gateway.toml /etc/ringway/gateway.toml
install -D -m 644 -t /etc/systemd/system deploy/systemd/ringway.service deploy/systemd/ringway.socket deploy/systemd/ringway-worker@.service
systemctl daemon-reload`

func TestMain(m *testing.M) {
	if os.Getenv(inside) != "" {
		if output, err := exec.Command("sh", "-euc", install).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "systemd: install: %v\n%s", err, output)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	code, err := outside()
	if err != nil {
		fmt.Fprintln(os.Stderr, "systemd:", err)
		code = 1
	}
	os.Exit(code)
}

// outside boots systemd, runs this program next to it and returns its exit code.
func outside() (code int, err error) {
	repository, err := filepath.Abs("../..")
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	root := filepath.Join(repository, "build/_systemd/root")
	if err := attached(exec.Command("./root.sh", root)).Run(); err != nil {
		return 0, fmt.Errorf("root.sh: %w", err)
	}
	work, err := os.MkdirTemp("", "ringway-systemd-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.Remove(work)) }()

	runtime.LockOSThread() // Pdeathsig is about the thread
	group := "ringway-test-" + strconv.Itoa(os.Getpid())
	machine := attached(exec.Command(filepath.Join(repository, "test/systemd/boot.sh"), root, work, group, self))
	machine.Stdin = nil
	machine.SysProcAttr = &unix.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Unshareflags: unix.CLONE_NEWNS, // with mounts that are nobody else's
		Pdeathsig:    unix.SIGKILL,
	}
	if err := machine.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- machine.Wait() }()
	defer func() {
		_ = machine.Process.Kill() // with all that runs in its namespaces
		<-ended
		err = errors.Join(err, removeGroup(work, group))
	}()

	enter := func(arguments ...string) *exec.Cmd {
		c := attached(exec.Command("nsenter", append([]string{"--target", strconv.Itoa(machine.Process.Pid),
			"--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--root", "--wd"}, arguments...)...))
		c.Env = []string{inside + "=yes", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
		return c
	}
	for deadline := time.Now().Add(patience); ; {
		booted := enter("systemctl", "is-system-running", "--wait")
		booted.Stdout, booted.Stderr = nil, nil
		state, err := booted.Output()
		if text := string(state); text == "running\n" || text == "degraded\n" {
			break
		} else if time.Now().After(deadline) {
			return 0, fmt.Errorf("systemd is %q after %v, want running: %w", text, patience, err)
		}
		select {
		case err := <-ended:
			ended <- err
			return 0, fmt.Errorf("systemd has ended: %w", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
	tests := enter(append([]string{"/test"}, os.Args[1:]...)...)
	if err := tests.Run(); err != nil && tests.ProcessState == nil {
		return 0, err
	}
	return tests.ProcessState.ExitCode(), nil
}

func attached(c *exec.Cmd) *exec.Cmd {
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c
}

// removeGroup removes the control group of a machine that has ended, with those in it.
func removeGroup(work, group string) error {
	if err := unix.Mount("none", work, "cgroup2", 0, ""); err != nil {
		return fmt.Errorf("mount cgroup2: %w", err)
	}
	defer func() { _ = unix.Unmount(work, 0) }()
	output, err := exec.Command("find", filepath.Join(work, group), "-depth", "-type", "d", "-delete").CombinedOutput()
	if err != nil {
		return fmt.Errorf("remove the control group %s: %w\n%s", group, err, output)
	}
	return nil
}
