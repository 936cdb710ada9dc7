package main

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asWorker makes this test binary be the worker itself.
const asWorker = "APPWORKER_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) == "1" {
		main()
	}
	os.Exit(m.Run())
}

// command is a process of the worker, not yet started.
func command(t *testing.T, socket string, arguments ...string) *exec.Cmd {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), executable, arguments...)
	c.Env = append(os.Environ(), asWorker+"=1", "RINGWAY_SOCKET="+socket)
	c.WaitDelay = 10 * time.Second
	return c
}

// worker starts a process of the worker; stderr is complete when it has ended.
func worker(t *testing.T, socket string, arguments ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	c, stderr := command(t, socket, arguments...), new(bytes.Buffer)
	c.Stderr = stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, stderr
}

// gateway is a control socket that gives each worker to play.
func gateway(t *testing.T, play func(*net.UnixConn)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control")
	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.AcceptUnix()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				play(conn)
			}()
		}
	}()
	return path
}

func TestBadFlagsEndWithOneLine(t *testing.T) {
	for _, arguments := range [][]string{{"--unknown"}, {"--mode", "x"}, {"--dispatch", "x"}, {"extra"}} {
		var stdout, stderr bytes.Buffer
		if status := run(arguments, &stdout, &stderr); status != 2 {
			t.Errorf("%v: status %d, want 2", arguments, status)
		}
		text := stderr.String()
		if !strings.HasPrefix(text, "appworker: ") || strings.Count(text, "\n") != 1 || stdout.Len() > 0 {
			t.Errorf("%v: stderr %q, stdout %q", arguments, text, stdout.String())
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run([]string{"--help"}, &stdout, &stderr); status != 0 || stderr.Len() > 0 {
		t.Errorf("status %d, stderr %q", status, stderr.String())
	}
	for _, name := range []string{"--mode", "--dispatch", "--pool", "--release", "RINGWAY_SOCKET"} {
		if !strings.Contains(stdout.String(), name) {
			t.Errorf("the help does not name %s", name)
		}
	}
}

func TestRefusedByTheGateway(t *testing.T) {
	hello := make(chan string, 1)
	socket := gateway(t, func(conn *net.UnixConn) {
		packet := make([]byte, 4096)
		n, _ := conn.Read(packet)
		hello <- string(packet[:n])
		_, _ = conn.Write([]byte(`{"type":"refuse","error":"no room for release r9"}`))
		_, _ = conn.Read(packet)
	})
	c, stderr := worker(t, socket, "--mode", "env", "--release", "r9")
	_ = c.Wait()
	if status := c.ProcessState.ExitCode(); status != 2 {
		t.Errorf("status %d, want 2", status)
	}
	text := stderr.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "no room for release r9") {
		t.Errorf("stderr: %q", text)
	}
	if h := <-hello; !strings.Contains(h, `"release":"r9"`) {
		t.Errorf("hello: %s", h)
	}
}

// TestSignals: both end a worker that has said hello but was not attached, with status 0.
func TestSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		hello := make(chan struct{})
		socket := gateway(t, func(conn *net.UnixConn) {
			packet := make([]byte, 4096)
			_, _ = conn.Read(packet)
			close(hello)
			_, _ = conn.Read(packet) // until the worker is gone
		})
		c, stderr := worker(t, socket)
		<-hello
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		if status := c.ProcessState.ExitCode(); status != 0 {
			t.Errorf("%v: status %d, stderr %q", signal, status, stderr.String())
		}
	}
}

// TestNoGatewayYet: a worker says that it waits for its gateway, and TERM ends the waiting.
func TestNoGatewayYet(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none")
	c := command(t, socket)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil || !strings.Contains(line, socket) {
		t.Errorf("first line %q, %v; want one with %s", line, err, socket)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if status := c.ProcessState.ExitCode(); status != 0 {
		t.Errorf("status %d, want 0", status)
	}
}
