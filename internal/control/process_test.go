package control

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary play a worker in a process of its own, which attaches and hangs.
func TestMain(m *testing.M) {
	if path := os.Getenv("CONTROL_TEST_SOCKET"); path != "" {
		conn, err := net.Dial("unixpacket", path)
		if err != nil {
			panic(err)
		}
		packet, err := json.Marshal(greeting())
		if err != nil {
			panic(err)
		}
		if _, err := conn.Write(packet); err != nil {
			panic(err)
		}
		time.Sleep(time.Minute)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestKillEndsTheProcessThatAttached(t *testing.T) {
	server, h := serve(t, nil)
	child := exec.Command("/proc/self/exe")
	child.Env = append(os.Environ(), "CONTROL_TEST_SOCKET="+server.config.Path)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "attach", func() bool { return len(h.seen()) > 0 })
	worker := h.worker(0)
	// Its own word on its pid is another number.
	if worker.Pid != child.Process.Pid {
		t.Errorf("pid %d, want the kernel's %d", worker.Pid, child.Process.Pid)
	}
	if err := worker.Kill(); err != nil {
		t.Error(err)
	}
	_ = child.Wait()
	if status := child.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Errorf("the process ended with %v", child.ProcessState)
	}
	h.waitGone(t)
	// The process is gone; its number may be another's by now.
	if err := worker.Kill(); err != nil {
		t.Errorf("killing it again: %v", err)
	}
}
