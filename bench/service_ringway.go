package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ringway is a gateway with a supervised worker.
type ringway struct {
	site
	admin   string // host:port
	gateway *process
	release int
}

func (r *ringway) start() error {
	var err error
	if r.address, err = r.b.nextAddress(); err != nil {
		return err
	}
	if r.admin, err = r.b.nextAddress(); err != nil {
		return err
	}
	log := filepath.Join(r.b.work, r.name+".access")
	if err := os.RemoveAll(log); err != nil {
		return err
	}
	arguments := append([]string{
		filepath.Join(r.b.root, "bin/gateway"), "serve", "--listen", r.address, "--admin", r.admin,
		"--socket", filepath.Join(r.b.work, r.name+".sock"), "--log-format", "json", "--confirm", "300ms",
		"--access-log", log, "--client-connections", "20000", "--request-timeout", "1m", "--in-flight", "1024",
	}, r.b.gatewayFlags...)
	arguments = append(arguments, "--worker", r.b.worker, "--")
	if r.gateway, err = r.run(append(arguments, r.workerArguments()...)...); err != nil {
		return err
	}
	return r.gateway.await(answers("http://" + r.address + "/"))
}

func (r *ringway) workerArguments() []string {
	return append([]string{"--mode", "handler", "--release", "r" + strconv.Itoa(r.release)}, r.b.workerFlags...)
}

// swap is what `gateway swap` does.
func (r *ringway) swap() error {
	r.release++
	order, err := json.Marshal(map[string]any{"program": r.b.worker, "args": r.workerArguments()})
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: orderLimit}
	answer, err := client.Post("http://"+r.admin+"/swap", "application/json", bytes.NewReader(order))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("/swap: %s", answer.Status)
	}
	for lines := json.NewDecoder(answer.Body); ; {
		var step struct {
			Done  bool
			Error string
		}
		if err := lines.Decode(&step); err != nil {
			return fmt.Errorf("/swap: %w", err)
		}
		if step.Error != "" {
			return fmt.Errorf("swap: %s", step.Error)
		}
		if step.Done {
			return nil
		}
	}
}

// ringwayStats is what is needed of /stats.
type ringwayStats struct {
	Gateway struct{ Pid int }
	Workers []struct {
		Pid   int
		State string
	}
}

func (r *ringway) stats() (ringwayStats, error) {
	var s ringwayStats
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get("http://" + r.admin + "/stats")
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("/stats: %w", err)
	}
	return s, nil
}

// kill leaves bringing it back to the gateway's supervisor.
func (r *ringway) kill() error {
	s, err := r.stats()
	if err != nil {
		return err
	}
	if len(s.Workers) != 1 {
		return fmt.Errorf("%d workers, expected one to kill", len(s.Workers))
	}
	old := s.Workers[0].Pid
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill %d: %w", old, err)
	}
	return r.settled("another worker", func(s ringwayStats) bool {
		return len(s.Workers) == 1 && s.Workers[0].Pid != old && s.Workers[0].State == "ready"
	})
}

// settled waits until /stats tells something. It asks seldom: the answer costs the gateway time.
func (r *ringway) settled(what string, done func(ringwayStats) bool) error {
	end := time.Now().Add(orderLimit)
	for {
		s, err := r.stats()
		if err == nil && done(s) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not after %v (%v)", what, orderLimit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// errNotOffered is an order that a service has nothing for.
var errNotOffered = errors.New("not offered")

// upgrade runs `gateway upgrade`, and waits until the gateway is another process and the one before has ended.
func (r *ringway) upgrade() error {
	program := filepath.Join(r.b.root, "bin/gateway")
	help, err := exec.Command(program, "help").CombinedOutput()
	if err != nil {
		return fmt.Errorf("gateway help: %w", err)
	}
	if !slices.Contains(strings.Fields(string(help)), "upgrade") {
		return fmt.Errorf("gateway upgrade: %w by this gateway", errNotOffered)
	}
	output, err := exec.Command(program, "upgrade", "--admin", r.admin, program).CombinedOutput()
	if err != nil {
		return fmt.Errorf("gateway upgrade: %w: %s", err, output)
	}
	old, next := r.gateway, 0
	if err := r.settled("another gateway", func(s ringwayStats) bool {
		next = s.Gateway.Pid
		return next != old.pid()
	}); err != nil {
		return err
	}
	if r.gateway, err = r.b.adopt(r.name, next); err != nil {
		return err
	}
	return old.end()
}
