package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// soakReport is the file soak.json.
type soakReport struct {
	Settings settings  `json:"settings"`
	Load     wrkResult `json:"load"`
	Samples  []sample  `json:"samples"`
}

// sample is one reading of the two processes' memory and open files.
type sample struct {
	Seconds      float64 `json:"seconds"`
	Gateway      memory  `json:"gateway"`
	Worker       memory  `json:"worker"`
	GatewayFiles int     `json:"gateway_files"`
	WorkerFiles  int     `json:"worker_files"`
}

// soak measures memory as measureMemory does, then runs a mixed load on one gateway and samples both processes.
func soak(ctx context.Context, b *bench) error {
	if err := measureMemory(ctx, b); err != nil {
		return err
	}
	report := soakReport{Settings: b.settings()}
	t := allTargets()[2]
	if err := t.start(b, t); err != nil {
		return fmt.Errorf("start of %s: %w", t.Name, err)
	}
	type outcome struct {
		result wrkResult
		err    error
	}
	done := make(chan outcome, 1)
	l := load{Connections: 64, Depth: 1}
	begin := time.Now()
	go func() {
		result, err := b.runWrk(ctx, b.wrkCommand(l, t.base+"/", b.duration, "mix.lua"))
		done <- outcome{result, err}
	}()
	ticker := time.NewTicker(min(5*time.Second, b.duration/20))
	defer ticker.Stop()
	gateway := t.processes[0].pid()
	for {
		select {
		case end := <-done:
			if end.err != nil {
				return end.err
			}
			report.Load = end.result
			if err := writeJSON(filepath.Join(b.out, "soak.json"), report); err != nil {
				return err
			}
			return b.report()
		case <-ticker.C:
			s, err := takeSample(gateway)
			if err != nil {
				return err
			}
			s.Seconds = time.Since(begin).Seconds()
			report.Samples = append(report.Samples, s)
			fmt.Fprintf(os.Stderr, "%5.0f s  gateway %s, %d files  worker %s, %d files\n", s.Seconds,
				mebibytes(s.Gateway.RSS), s.GatewayFiles, mebibytes(s.Worker.RSS), s.WorkerFiles)
		}
	}
}

// takeSample reads a gateway and the one worker that is its child.
func takeSample(gateway int) (sample, error) {
	members, err := tree(gateway)
	if err != nil {
		return sample{}, err
	}
	delete(members, gateway)
	workers := slices.Collect(maps.Keys(members))
	if len(workers) != 1 {
		return sample{}, fmt.Errorf("gateway %d has %d children, expected one worker", gateway, len(workers))
	}
	s := sample{GatewayFiles: descriptors(gateway), WorkerFiles: descriptors(workers[0])}
	if s.Gateway, err = readMemory(gateway); err != nil {
		return s, err
	}
	s.Worker, err = readMemory(workers[0])
	return s, err
}

// growth compares the median of the last fifth of the samples with that of the second fifth, in percent; the first
// fifth is warm-up.
func (r *soakReport) growth(pick func(sample) float64) (float64, error) {
	fifth := len(r.Samples) / 5
	if fifth == 0 {
		return 0, fmt.Errorf("%d samples only", len(r.Samples))
	}
	values := make([]float64, len(r.Samples))
	for i, s := range r.Samples {
		values[i] = pick(s)
	}
	early, late := median(values[fifth:2*fifth]), median(values[len(values)-fifth:])
	return 100 * (late - early) / early, nil
}

func (r *soakReport) markdown(page *strings.Builder) {
	fmt.Fprintf(page, "\n## Soak\n\nA mixed load (seeded draw of all routes, 1 B to 1 MiB) on 64 connections for %s s: %d requests, %d errors.\n\n",
		number(float64(r.Load.Duration/1e6)), r.Load.Requests, r.Load.errors())
	page.WriteString("![Resident memory](soak.svg)\n\n| | second fifth | last fifth | highest |\n|---|---:|---:|---:|\n")
	for _, row := range []struct {
		name string
		pick func(sample) float64
	}{
		{"gateway RSS, MiB", func(s sample) float64 { return float64(s.Gateway.RSS) / (1 << 20) }},
		{"gateway RSS without shared memory, MiB", func(s sample) float64 { return float64(s.Gateway.RSS-s.Gateway.Shared) / (1 << 20) }},
		{"gateway PSS, MiB", func(s sample) float64 { return float64(s.Gateway.PSS) / (1 << 20) }},
		{"worker RSS, MiB", func(s sample) float64 { return float64(s.Worker.RSS) / (1 << 20) }},
		{"worker RSS without shared memory, MiB", func(s sample) float64 { return float64(s.Worker.RSS-s.Worker.Shared) / (1 << 20) }},
		{"gateway open files", func(s sample) float64 { return float64(s.GatewayFiles) }},
		{"worker open files", func(s sample) float64 { return float64(s.WorkerFiles) }},
	} {
		values := make([]float64, len(r.Samples))
		for i, s := range r.Samples {
			values[i] = row.pick(s)
		}
		if fifth := len(values) / 5; fifth > 0 {
			fmt.Fprintf(page, "| %s | %s | %s | %s |\n", row.name, number(median(values[fifth:2*fifth])),
				number(median(values[len(values)-fifth:])), number(slices.Max(values)))
		}
	}
	page.WriteString("\n")
	r.Settings.markdown(page)
}
