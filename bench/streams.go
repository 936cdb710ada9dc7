package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// streamReport is the file streams.json.
type streamReport struct {
	Settings settings          `json:"settings"`
	Targets  []describedTarget `json:"targets"`
	Loads    []streamLoad      `json:"loads"`
	Runs     []streamRun       `json:"runs"`
	Idle     []socketsResult   `json:"idle_websockets"`
}

// streamRun is one run of one load on one target.
type streamRun struct {
	Target    string  `json:"target"`
	Load      string  `json:"load"`
	Round     int     `json:"round"`
	Messages  int64   `json:"messages"`
	PerSecond float64 `json:"messages_per_second"`
	CPU       float64 `json:"server_cpu_us_per_message"`
	ClientCPU float64 `json:"client_cpu_us_per_message"`
	Invalid   string  `json:"invalid,omitempty"` // why the run does not count
}

// streamTargets are peer-sockets behind a gateway and by itself.
func streamTargets() []*target {
	return []*target{
		{Name: "ringway", Title: "Ringway, hijacked connection", start: startSocketsGateway},
		{Name: "nethttp", Title: "net/http, hijacked connection", start: startSockets},
	}
}

func startSocketsGateway(b *bench, t *target) error {
	address, err := b.nextAddress()
	if err != nil {
		return err
	}
	t.base, t.log = "http://"+address, filepath.Join(b.work, "streams.access")
	arguments := append([]string{
		filepath.Join(b.root, "bin/gateway"), "serve", "--listen", address, "--admin", "off", "--socket", filepath.Join(b.work, "streams.sock"),
		"--access-log", t.log, "--client-connections", "20000", "--exchanges", "16384", // three quarters of them may be upgraded
	}, b.gatewayFlags...)
	p, err := t.run(b, "", nil, append(arguments, "--worker", filepath.Join(b.work, "peer-sockets"))...)
	if err != nil {
		return err
	}
	return p.await(answers(t.base + "/"))
}

func startSockets(b *bench, t *target) error {
	address, err := b.nextAddress()
	if err != nil {
		return err
	}
	t.base = "http://" + address
	p, err := t.run(b, "-sockets", nil, filepath.Join(b.work, "peer-sockets"), "--listen", address)
	if err != nil {
		return err
	}
	return p.await(answers(t.base + "/"))
}

// streams measures messages on upgraded connections, the targets of a load one after the other in each round as compare does,
// then idle WebSockets on servers of their own.
func streams(ctx context.Context, b *bench) error {
	report := streamReport{Settings: b.settings(), Loads: streamLoads}
	targets := streamTargets()
	if err := b.prepare(targets); err != nil {
		return err
	}
	for _, t := range targets {
		report.Targets = append(report.Targets, describedTarget{t.Name, t.Title, t.command})
	}
	for round := 1; round <= b.rounds; round++ {
		for _, l := range streamLoads {
			for i := range targets {
				t := targets[(i+round-1)%len(targets)]
				run := streamRun{Target: t.Name, Load: l.Name, Round: round}
				if err := b.measureStream(ctx, t, l, &run); err != nil {
					return fmt.Errorf("%s on %s: %w", l.Name, t.Name, err)
				}
				report.Runs = append(report.Runs, run)
				fmt.Printf("%d/%d %-8s %-8s %9.0f messages/s %7.2f us %s\n", round, b.rounds, l.Name, t.Name, run.PerSecond, run.CPU, run.Invalid)
			}
		}
	}
	b.stopAll()
	connections := 10000
	if b.quick {
		connections = 500
	}
	for _, t := range streamTargets() {
		if err := t.start(b, t); err != nil {
			return fmt.Errorf("start of %s: %w", t.Name, err)
		}
		result, err := b.measureSockets(ctx, t, connections)
		if err != nil {
			return fmt.Errorf("idle WebSockets on %s: %w", t.Name, err)
		}
		report.Idle = append(report.Idle, result)
		b.stopAll()
	}
	if err := writeJSON(filepath.Join(b.out, "streams.json"), report); err != nil {
		return err
	}
	return b.report()
}

// measureStream runs a load for the time of a run, after a part of a second that does not count.
func (b *bench) measureStream(ctx context.Context, t *target, l streamLoad, run *streamRun) error {
	if t.log != "" {
		if err := os.Truncate(t.log, 0); err != nil {
			return err
		}
	}
	e, err := startEchoers(strings.TrimPrefix(t.base, "http://"), l)
	if err != nil {
		return err
	}
	ended := false
	end := func() error {
		ended = true
		return e.end()
	}
	defer func() {
		if !ended {
			_ = end()
		}
	}()
	if err := rest(ctx, min(b.duration/10, 500*time.Millisecond)); err != nil {
		return err
	}
	var server, client [2]time.Duration
	var count [2]int64
	var at [2]time.Time
	for i := range 2 {
		if i == 1 {
			if err := rest(ctx, b.duration); err != nil {
				return err
			}
		}
		if server[i], err = treeCPU(t.pids()...); err != nil {
			return err
		}
		if client[i], err = ownCPU(); err != nil {
			return err
		}
		count[i], at[i] = e.count.Load(), time.Now()
	}
	run.fill(count[1]-count[0], at[1].Sub(at[0]), server[1]-server[0], client[1]-client[0])
	if err := end(); err != nil {
		run.Invalid = err.Error()
	}
	return nil
}

func (r *streamRun) fill(messages int64, took, server, client time.Duration) {
	r.Messages = messages
	if messages == 0 {
		r.Invalid = "no message came back"
		return
	}
	r.PerSecond = float64(messages) / took.Seconds()
	r.CPU = float64(server.Microseconds()) / float64(messages)
	r.ClientCPU = float64(client.Microseconds()) / float64(messages)
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// ownCPU is the processor time of this process.
func ownCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
