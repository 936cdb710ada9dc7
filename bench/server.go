package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// process is one server process that the benchmark started. It is ended by its pid and by nothing else.
type process struct {
	name   string
	handle *os.Process
	ended  chan struct{}
	log    string
}

// start runs arguments with the pins of the servers and its output in a log file of the scratch directory.
func (b *bench) start(name string, environment []string, arguments ...string) (*process, error) {
	if b.serverCPUs != "" {
		arguments = append([]string{"taskset", "-c", b.serverCPUs}, arguments...)
	}
	log := filepath.Join(b.work, name+".log")
	output, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stdout, command.Stderr = output, output
	command.Env = append(os.Environ(), environment...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: name, handle: command.Process, ended: make(chan struct{}), log: log}
	go func() {
		_ = command.Wait() // how it ended is of no interest; that it did is
		close(p.ended)
	}()
	b.processes = append(b.processes, p)
	return p, nil
}

func (p *process) pid() int { return p.handle.Pid }

// stop asks the process to end, and kills it if it has not after ten seconds.
func (p *process) stop() {
	_ = p.handle.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return
	case <-time.After(10 * time.Second):
	}
	fmt.Fprintf(os.Stderr, "bench: %s did not stop on TERM, killing pid %d\n", p.name, p.pid())
	_ = p.handle.Kill()
	<-p.ended
}

// stopAll ends the processes in the reverse order of their start.
func (b *bench) stopAll() {
	for i := len(b.processes) - 1; i >= 0; i-- {
		b.processes[i].stop()
	}
	b.processes = nil
}

// await waits until ready is true; it fails when p ends before or ten seconds have passed.
func (p *process) await(ready func() bool) error {
	deadline := time.Now().Add(10 * time.Second)
	for !ready() {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once, see %s", p.name, p.log)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is not ready after 10 s, see %s", p.name, p.log)
		}
	}
	return nil
}

// answers reports whether url answers 200.
func answers(url string) func() bool {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return func() bool {
		response, err := client.Get(url)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
}

func exists(path string) func() bool {
	return func() bool {
		_, err := os.Stat(path)
		return !errors.Is(err, os.ErrNotExist)
	}
}

// nextAddress hands out loopback ports below the ephemeral range that nothing listens on.
func (b *bench) nextAddress() (string, error) {
	for range 1000 {
		b.port++
		address := "127.0.0.1:" + strconv.Itoa(b.port)
		if free(address) {
			return address, nil
		}
	}
	return "", fmt.Errorf("no free port between %d and %d", b.port-1000, b.port)
}
