package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// measurement is one run of one load on one target.
type measurement struct {
	Target string `json:"target"`
	Load   string `json:"load"`
	Round  int    `json:"round"`

	Requests   int64   `json:"requests"`
	PerSecond  float64 `json:"requests_per_second"`
	CPU        float64 `json:"server_cpu_us_per_request"`
	ClientCPU  float64 `json:"client_cpu_us_per_request"`
	P50        float64 `json:"p50_us"`
	P99        float64 `json:"p99_us"`
	Errors     int64   `json:"errors"`
	Invalid    string  `json:"invalid,omitempty"` // why the run does not count
	ServerTime float64 `json:"server_cpu_seconds"`
}

// compare runs every load on every target, round by round: the targets of a load follow each other directly, so that
// what disturbs the machine for a while disturbs all of them, and each round begins with another target.
func compare(ctx context.Context, b *bench) error {
	report := comparison{Settings: b.settings(), Loads: b.loads}
	if err := b.prepare(b.targets); err != nil {
		return err
	}
	for _, t := range b.targets {
		report.Targets = append(report.Targets, describedTarget{t.Name, t.Title, t.command})
	}
	wrong := map[string]string{}
	for round := 1; round <= b.rounds; round++ {
		for _, l := range b.loads {
			for i := range b.targets {
				t := b.targets[(i+round-1)%len(b.targets)]
				if !t.measures(l) {
					continue
				}
				key := t.Name + " " + l.Name
				if round == 1 {
					if err := l.on(t).check(t.base); err != nil {
						wrong[key] = err.Error()
					} else if b.warm > 0 {
						if _, err := b.runWrk(ctx, b.wrkCommand(l.on(t), t.base+l.on(t).Path, b.warm, "load.lua")); err != nil {
							return fmt.Errorf("warm-up of %s: %w", key, err)
						}
					}
				}
				m := measurement{Target: t.Name, Load: l.Name, Round: round, Invalid: wrong[key]}
				if m.Invalid == "" {
					if err := b.measure(ctx, t, l.on(t), &m); err != nil {
						return fmt.Errorf("%s: %w", key, err)
					}
				}
				report.Measurements = append(report.Measurements, m)
				b.progress(m)
			}
		}
	}
	if err := writeJSON(filepath.Join(b.out, "compare.json"), report); err != nil {
		return err
	}
	return b.report()
}

// prepare builds what is needed and starts targets.
func (b *bench) prepare(targets []*target) error {
	if err := b.buildPeers(); err != nil {
		return err
	}
	if err := b.writeScripts(); err != nil {
		return err
	}
	for _, t := range targets {
		if err := t.start(b, t); err != nil {
			return fmt.Errorf("start of %s: %w", t.Name, err)
		}
	}
	time.Sleep(300 * time.Millisecond) // what they do once at their start
	return nil
}

// measure runs wrk once and fills m.
func (b *bench) measure(ctx context.Context, t *target, l load, m *measurement) error {
	pids := t.pids()
	if l.Drip > 0 {
		stop, err := drip(strings.TrimPrefix(t.base, "http://"), l.Drip)
		if err != nil {
			return err
		}
		defer stop()
	}
	if t.log != "" { // it is written, but not kept: some hundred bytes a request
		if err := os.Truncate(t.log, 0); err != nil {
			return err
		}
	}
	before, err := treeCPU(pids...)
	if err != nil {
		return err
	}
	result, err := b.runWrk(ctx, b.wrkCommand(l, t.base+l.Path, b.duration, "load.lua"))
	if err != nil {
		return err
	}
	after, err := treeCPU(pids...)
	if err != nil {
		return err
	}
	m.Requests, m.Errors = result.Requests, result.errors()
	m.P50, m.P99 = float64(result.P50), float64(result.P99)
	m.ServerTime = (after - before).Seconds()
	switch {
	case result.Requests == 0:
		m.Invalid = "no request was answered"
		return nil
	case m.Errors > 0:
		m.Invalid = fmt.Sprintf("errors: %d connect, %d read, %d write, %d status, %d timeout",
			result.Connect, result.Read, result.Write, result.Status, result.Timeout)
	case result.Bytes < result.Requests*int64(l.Answer):
		m.Invalid = fmt.Sprintf("%d bytes for %d answers of %d", result.Bytes, result.Requests, l.Answer)
	}
	if m.Invalid == "" {
		// Short runs end before a stalled connection counts as timed out.
		if err := l.check(t.base); err != nil {
			m.Invalid = "after the run: " + err.Error()
		}
	}
	requests := float64(result.Requests)
	m.PerSecond = requests / (float64(result.Duration) / 1e6)
	m.CPU = float64((after - before).Microseconds()) / requests
	m.ClientCPU = float64(result.client.Microseconds()) / requests
	return nil
}

func (b *bench) progress(m measurement) {
	note := ""
	if m.Invalid != "" {
		note = "  INVALID: " + m.Invalid
	}
	fmt.Fprintf(os.Stderr, "%d/%d %-16s %-18s %9.0f/s  cpu %7.2f us  p50 %6.0f us  p99 %7.0f us%s\n",
		m.Round, b.rounds, m.Load, m.Target, m.PerSecond, m.CPU, m.P50, m.P99, note)
}

// commit names the source that was measured; empty outside a git checkout.
func (b *bench) commit() string {
	git := exec.Command("git", "describe", "--always", "--dirty")
	git.Dir = b.root
	output, err := git.Output()
	if err != nil {
		return ""
	}
	return string(output[:len(output)-1])
}
