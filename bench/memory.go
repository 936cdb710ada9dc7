package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// memoryReport is the file memory.json.
type memoryReport struct {
	Settings    settings     `json:"settings"`
	Idle        []idleResult `json:"idle"`
	Allocations []allocation `json:"allocations"`
}

// allocation is what a load on `/` allocated after warm-up.
type allocation struct {
	Target   string  `json:"target"`
	Requests int64   `json:"requests"`
	Seconds  float64 `json:"seconds"`
	// Native counts the C side's allocations (/stats, loops[].allocations); nil if the gateway does not tell.
	Native *int64 `json:"native_allocations"`
	// Of the Go heaps, from the collector's trace; bytes are an upper bound with a resolution of 1 MiB a cycle.
	GatewayCycles int     `json:"gateway_gc_cycles"`
	GatewayBytes  float64 `json:"gateway_heap_bytes_per_request"`
	WorkerCycles  int     `json:"worker_gc_cycles"`
	WorkerBytes   float64 `json:"worker_heap_bytes_per_request"`
}

// measureMemory measures idle connections and allocations. It starts servers of its own.
func measureMemory(ctx context.Context, b *bench) error {
	report := memoryReport{Settings: b.settings()}
	if err := b.prepare(nil); err != nil {
		return err
	}
	connections := 10000
	if b.quick {
		connections = 1000
	}
	for _, t := range b.targets {
		if t.Name != "handler" && t.Name != "nethttp" && t.Name != "fasthttp" {
			continue
		}
		if err := t.start(b, t); err != nil {
			return fmt.Errorf("start of %s: %w", t.Name, err)
		}
		result, err := b.measureIdle(ctx, t, connections)
		if err != nil {
			return fmt.Errorf("idle connections on %s: %w", t.Name, err)
		}
		report.Idle = append(report.Idle, result)
		b.stopAll()
	}
	for _, t := range allTargets() {
		if t.Name != "env" && t.Name != "handler" || !b.has(t.Name) {
			continue
		}
		result, err := b.measureAllocations(ctx, t)
		if err != nil {
			return fmt.Errorf("allocations of %s: %w", t.Name, err)
		}
		report.Allocations = append(report.Allocations, result)
		b.stopAll()
	}
	if err := writeJSON(filepath.Join(b.out, "memory.json"), report); err != nil {
		return err
	}
	return b.report()
}

func (b *bench) has(name string) bool {
	for _, t := range b.targets {
		if t.Name == name {
			return true
		}
	}
	return false
}

// measureAllocations counts what a gateway and its worker allocate in steady state. Neither offers its heap profile to
// strangers, so the Go side is read from the collector's trace: what was allocated between two cycles is known, and
// without a cycle less was allocated than the heap's goal.
func (b *bench) measureAllocations(ctx context.Context, t *target) (allocation, error) {
	result := allocation{Target: t.Name}
	trace := filepath.Join(b.work, t.Name+"-worker.trace")
	t.worker = filepath.Join(b.work, t.Name+"-worker.sh")
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' \"$@\" 2>'%s'\n", b.worker, trace)
	if err := os.WriteFile(t.worker, []byte(script), 0o755); err != nil {
		return result, err
	}
	if err := startGateway(t.Name, []string{"GODEBUG=gctrace=1"})(b, t); err != nil {
		return result, err
	}
	l := loads[0]
	warm, measured := 5*time.Second, 30*time.Second
	if b.quick {
		warm, measured = time.Second, 2*time.Second
	}
	if _, err := b.runWrk(ctx, b.wrkCommand(l, t.base+l.Path, warm, "load.lua")); err != nil {
		return result, err
	}
	native, err := nativeAllocations(t.admin)
	if err != nil {
		return result, err
	}
	logs := []string{t.processes[0].log, trace}
	var before [2]gcTrace
	for i, log := range logs {
		if before[i], err = readTrace(log); err != nil {
			return result, err
		}
	}
	run, err := b.runWrk(ctx, b.wrkCommand(l, t.base+l.Path, measured, "load.lua"))
	if err != nil {
		return result, err
	}
	if run.errors() > 0 || run.Requests == 0 {
		return result, fmt.Errorf("%d requests with %d errors", run.Requests, run.errors())
	}
	result.Requests, result.Seconds = run.Requests, float64(run.Duration)/1e6
	if native != nil {
		now, err := nativeAllocations(t.admin)
		if err != nil {
			return result, err
		}
		*now -= *native
		result.Native = now
	}
	for i, log := range logs {
		after, err := readTrace(log)
		if err != nil {
			return result, err
		}
		cycles, size := after.since(before[i])
		perRequest := size / float64(run.Requests)
		if i == 0 {
			result.GatewayCycles, result.GatewayBytes = cycles, perRequest
		} else {
			result.WorkerCycles, result.WorkerBytes = cycles, perRequest
		}
	}
	return result, nil
}

// nativeAllocations sums loops[].allocations of /stats; nil if there is no such counter.
func nativeAllocations(admin string) (*int64, error) {
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(admin + "/stats")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var stats struct {
		Loops []struct {
			Allocations *int64 `json:"allocations"`
		} `json:"loops"`
	}
	if err := json.NewDecoder(response.Body).Decode(&stats); err != nil {
		return nil, fmt.Errorf("/stats: %w", err)
	}
	var sum int64
	for _, loop := range stats.Loops {
		if loop.Allocations == nil {
			return nil, nil
		}
		sum += *loop.Allocations
	}
	if len(stats.Loops) == 0 {
		return nil, nil
	}
	return &sum, nil
}

// gcTrace is what the lines of GODEBUG=gctrace=1 tell so far, in MiB.
type gcTrace struct {
	cycles    int
	allocated float64 // between the ends of all cycles
	goal      float64 // when the next cycle begins at the latest
	live      float64
}

var gcLine = regexp.MustCompile(`(?m)^gc \d+ @.* (\d+)->(\d+)->(\d+) MB, (\d+) MB goal`)

func parseTrace(text string) gcTrace {
	trace := gcTrace{goal: 4} // the runtime's smallest
	for _, match := range gcLine.FindAllStringSubmatch(text, -1) {
		var value [5]float64
		for i := 1; i < len(value); i++ {
			value[i], _ = strconv.ParseFloat(match[i], 64) // digits only
		}
		trace.cycles++
		trace.allocated += max(0, value[2]-trace.live)
		trace.live = value[3]
		trace.goal = max(4, 2*value[3])
	}
	return trace
}

func readTrace(path string) (gcTrace, error) {
	text, err := os.ReadFile(path)
	return parseTrace(string(text)), err
}

// since returns the cycles and an upper bound of the bytes allocated after the earlier reading.
func (t gcTrace) since(earlier gcTrace) (cycles int, size float64) {
	return t.cycles - earlier.cycles, (t.allocated - earlier.allocated + t.goal - t.live) * (1 << 20)
}

func (m *memoryReport) idle(target string) (float64, error) {
	for _, result := range m.Idle {
		if result.Target == target {
			if result.Connections < 10000 {
				return 0, fmt.Errorf("measured with %d connections only", result.Connections)
			}
			return float64(result.After.RSS-result.Before.RSS) / (1 << 20), nil
		}
	}
	return 0, fmt.Errorf("not measured on %s", target)
}

func (m *memoryReport) gatewayAllocations() (float64, error) {
	sum := 0.0
	for _, a := range m.Allocations {
		if a.Native == nil {
			return 0, fmt.Errorf("the gateway does not tell")
		}
		sum = max(sum, float64(*a.Native)/float64(a.Requests))
	}
	if len(m.Allocations) == 0 {
		return 0, fmt.Errorf("not measured")
	}
	return sum, nil
}

func (m *memoryReport) workerBytes(target string) (float64, error) {
	for _, a := range m.Allocations {
		if a.Target == target {
			return a.WorkerBytes, nil
		}
	}
	return 0, fmt.Errorf("not measured on %s", target)
}

func (m *memoryReport) markdown(page *strings.Builder) {
	page.WriteString("\n## Memory\n\nIdle keep-alive connections, each after one answered request; the first process of the target, " +
		"after it had served `/` on 64 connections. Kernel memory of the sockets is not in it.\n\n" +
		"| target | connections | RSS before | RSS with them | difference | per connection | PSS difference | still answered |\n|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range m.Idle {
		pss := ""
		if r.Before.PSS > 0 {
			pss = mebibytes(r.After.PSS - r.Before.PSS)
		}
		fmt.Fprintf(page, "| %s | %d | %s | %s | %s | %d B | %s | %d |\n", r.Target, r.Connections, mebibytes(r.Before.RSS),
			mebibytes(r.After.RSS), mebibytes(r.After.RSS-r.Before.RSS), (r.After.RSS-r.Before.RSS)/int64(r.Connections), pss, r.Answered)
	}
	page.WriteString("\nAllocations of a load on `/` with 64 connections, after warm-up. Go heap bytes are upper bounds from the collector's " +
		"trace; the smallest object has 8 bytes.\n\n" +
		"| target | requests | C allocations | gateway: GC cycles, heap bytes per request | worker: GC cycles, heap bytes per request |\n|---|---:|---:|---:|---:|\n")
	for _, a := range m.Allocations {
		native := "not told"
		if a.Native != nil {
			native = fmt.Sprint(*a.Native)
		}
		fmt.Fprintf(page, "| %s | %d | %s | %d, %s | %d, %s |\n", a.Target, a.Requests, native,
			a.GatewayCycles, number(a.GatewayBytes), a.WorkerCycles, number(a.WorkerBytes))
	}
	page.WriteString("\n")
	m.Settings.markdown(page)
}

func mebibytes(value int64) string { return number(float64(value)/(1<<20)) + " MiB" }
