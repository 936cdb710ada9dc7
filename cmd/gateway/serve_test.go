package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/internal/admin"
)

func (p *process) stats() admin.Snapshot {
	p.t.Helper()
	response, err := http.Get(p.admin + "/stats")
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var snapshot admin.Snapshot
	if err := json.NewDecoder(response.Body).Decode(&snapshot); err != nil {
		p.t.Fatal(err)
	}
	return snapshot
}

// workerPid waits for a ready worker whose process is none of the given ones.
func (p *process) workerPid(not ...int) int {
	p.t.Helper()
	found := 0
	eventually(p.t, "a ready worker", func() bool {
		for _, w := range p.stats().Workers {
			found = w.Pid
			for _, pid := range not {
				if pid == w.Pid {
					found = 0
				}
			}
			if w.State == "ready" && found != 0 {
				return true
			}
		}
		return false
	})
	return found
}

func (p *process) descriptors() int {
	p.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	return len(entries)
}

func TestServesNativelyAndThroughAWorkerAndEndsCleanly(t *testing.T) {
	p := launch(t, "--worker", workerBinary, "--workers", "2", "--loops", "2")
	expectBody(t, p.url+"/ping", "pong")
	expectBody(t, p.url+"/", "Hello, World!")
	eventually(t, "two workers", func() bool { return len(p.stats().Workers) == 2 })
	s := p.stats()
	if len(s.Loops) != 2 || len(s.Lanes) != 4 || s.Listeners[0].URL != p.url || s.Supervisor == nil || s.Gateway.Pid != p.cmd.Process.Pid {
		t.Errorf("stats %+v", s)
	}
	pid := s.Workers[0].Pid
	p.signal(syscall.SIGTERM)
	p.expectEnd(0, 5*time.Second)
	eventually(t, "the worker's end", func() bool { return !alive(pid) })
	if _, err := os.Lstat(p.socket); !os.IsNotExist(err) {
		t.Errorf("the control socket is left: %v", err)
	}
}

// TestTheSmallestSegmentsWork: what the command line lets through, engine and worker accept.
func TestTheSmallestSegmentsWork(t *testing.T) {
	for _, flags := range [][]string{
		{"--exchanges", "1", "--arena-size", "128KiB"},
		{"--exchanges", "256", "--arena-size", "2MiB"},
		{"--exchanges", "16384", "--memory-limit", "2GiB"},
		{"--line-bytes", "64", "--head-bytes", "256", "--fields", "8", "--pipeline-depth", "1", "--park-limit", "0"},
		{"--line-bytes", "16KiB", "--head-bytes", "32KiB", "--fields", "256", "--pipeline-depth", "256"},
	} {
		p := launch(t, append(flags, "--worker", workerBinary)...)
		p.workerPid()
		expectBody(t, p.url+"/", "Hello, World!")
		p.signal(syscall.SIGTERM)
		p.expectEnd(0, 5*time.Second)
	}
}

func TestRequestsInFlightFinishBeforeTheEnd(t *testing.T) {
	p := launch(t, "--worker", workerBinary)
	pid := p.workerPid()
	answer := make(chan error, 1)
	go func() {
		status, body, err := get(p.url + "/sleep?ms=700")
		if err == nil && status != 200 {
			err = fmt.Errorf("%d %s", status, body)
		}
		answer <- err
	}()
	eventually(t, "the request in flight", func() bool { return p.stats().Workers[0].InFlight == 1 })
	// Both processes are told at once, as containers are; the worker first.
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	if err := <-answer; err != nil {
		t.Errorf("the request in flight failed: %v", err)
	}
	p.expectEnd(0, 5*time.Second)
}

func TestTheDrainLimitAndASecondSignalCut(t *testing.T) {
	for name, flags := range map[string][]string{
		"drain limit":   {"--drain-limit", "100ms", "--worker", workerBinary},
		"second signal": {"--worker", workerBinary},
	} {
		t.Run(name, func(t *testing.T) {
			p := launch(t, flags...)
			p.workerPid()
			answer := make(chan error, 1)
			go func() {
				_, _, err := get(p.url + "/sleep?ms=15000")
				answer <- err
			}()
			eventually(t, "the request in flight", func() bool { return p.stats().Workers[0].InFlight == 1 })
			p.signal(syscall.SIGTERM)
			if name == "second signal" {
				time.Sleep(50 * time.Millisecond)
				p.signal(syscall.SIGTERM)
			}
			p.expectEnd(0, 8*time.Second)
			if err := <-answer; err == nil {
				t.Error("the request was answered")
			}
		})
	}
}

func TestKilledWorkersAreReplacedAndNothingLeaks(t *testing.T) {
	p := launch(t, "--worker", workerBinary)
	var pids []int
	before := 0
	for round := range 6 {
		pid := p.workerPid(pids...)
		expectBody(t, p.url+"/", "Hello, World!")
		if round == 1 {
			before = p.descriptors()
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	p.workerPid(pids...)
	expectBody(t, p.url+"/", "Hello, World!")
	if s := p.stats(); s.Supervisor.Restarts != 6 || s.Supervisor.Slots[0].LastExit != "signal: killed" {
		t.Errorf("supervisor %+v", s.Supervisor)
	}
	// Kept-alive connections of the test's own come and go.
	eventually(t, "as many descriptors as before", func() bool { return p.descriptors() <= before })
	eventually(t, "one attachment", func() bool { return len(p.stats().Workers) == 1 })
}

func TestAKilledGatewayLeavesNoWorkersAndItsSocketIsReplaced(t *testing.T) {
	p := launch(t, "--worker", workerBinary)
	pid := p.workerPid()
	p.signal(syscall.SIGKILL)
	<-p.ended
	eventually(t, "the worker's end", func() bool { return !alive(pid) || zombie(pid) })
	if info, err := os.Lstat(p.socket); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Fatalf("socket after the kill: %v %v", info, err)
	}
	again := launch(t, "--socket", p.socket)
	expectBody(t, again.url+"/ping", "pong")
}

// zombie: in a container nobody may reap orphans.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestProcessIsHardened(t *testing.T) {
	p := launch(t)
	info, err := os.Stat(fmt.Sprintf("/proc/%d/environ", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	// The files of a process that is not dumpable belong to root, whoever it runs as; for root itself look at the limits.
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 {
		t.Errorf("environ belongs to user %d, want root: the process is dumpable", owner)
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "Max open files") && fields[3] != fields[4] {
			t.Errorf("%q, want the hard limit", line)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var ignored uint64
	for line := range strings.Lines(string(status)) {
		if _, err := fmt.Sscanf(line, "SigIgn:\t%x", &ignored); err == nil {
			break
		}
	}
	if ignored&(1<<(uint(syscall.SIGPIPE)-1)) == 0 {
		t.Errorf("SIGPIPE is not ignored: %#x", ignored)
	}
}

func TestMalformedRequestsAreLogged(t *testing.T) {
	p := launch(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
		t.Errorf("answer %q %v, want 400 and the end", answer, err)
	}
	eventually(t, "the log line", func() bool {
		return strings.Contains(p.stderr.String(), `msg="request refused" client=127.0.0.1:`)
	})
	if strings.Contains(p.stderr.String(), "\x7f") {
		t.Error("raw bytes of the request are in the log")
	}
}

func TestUnixListener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "http.sock")
	p := launch(t, "--listen", "unix:"+path, "--loops", "2")
	if p.url != "unix:"+path {
		t.Errorf("url %q", p.url)
	}
	overUnix := unixClient(path)
	for range 10 {
		response, err := overUnix.Get("http://localhost/ping")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	p.signal(syscall.SIGTERM)
	p.expectEnd(0, 5*time.Second)
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}
