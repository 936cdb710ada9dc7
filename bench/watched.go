package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// statsReader reads /stats some 100 times a second, which is far more than anybody does. It is wrk, because that costs little itself:
// a client of net/http needs as much of the same processors as the gateway does.
var statsReader = load{Name: "stats", Method: "GET", Path: "/stats", Connections: 1, Depth: 1, Pause: 10}

// watchedGoal is how much throughput that may cost.
const watchedGoal = 0.02

// watchedHalf is how long there is a reader, and then none: short, because what else the machine does changes within seconds.
const watchedHalf = 250 * time.Millisecond

// watched measures each load on the first target that is a gateway while /stats is read and not read in turn. It prints the medians
// and writes no file.
func watched(ctx context.Context, b *bench) error {
	i := slices.IndexFunc(b.targets, func(t *target) bool { return t.Name == "handler" || t.Name == "env" || t.Name == "native" })
	if i < 0 {
		return fmt.Errorf("%w: none of the targets is a gateway, expected handler, env or native", errUsage)
	}
	t := b.targets[i]
	if err := b.prepare([]*target{t}); err != nil {
		return err
	}
	fmt.Printf("%s, %d rounds of %v; /stats read each %d ms in every other %v\n", t.Title, b.rounds, b.duration, statsReader.Pause, watchedHalf)
	for _, l := range b.loads {
		if !t.measures(l) {
			continue
		}
		l = l.on(t)
		if err := l.check(t.base); err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
		var pairs []pair
		for range b.rounds {
			more, err := b.watch(ctx, t, l)
			if err != nil {
				return fmt.Errorf("%s: %w", l.Name, err)
			}
			pairs = append(pairs, more...)
		}
		printWatched(os.Stdout, l.Name, pairs)
	}
	return nil
}

// half is one stretch of a run.
type half struct {
	requests int64
	took     time.Duration
	cpu      time.Duration // of the servers
}

func (h half) perSecond() float64 { return float64(h.requests) / h.took.Seconds() }

// pair is two stretches beside each other.
type pair struct{ with, without half }

// watch is one run of the load.
func (b *bench) watch(ctx context.Context, t *target, l load) ([]pair, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	const margin = 2 * time.Second // half of it before the first stretch
	failed := make(chan error, 1)
	go func() {
		result, err := b.runWrk(ctx, b.wrkCommand(l, t.base+l.Path, b.duration+margin, "load.lua"))
		if err == nil && (result.errors() > 0 || result.Requests == 0) {
			err = fmt.Errorf("%d requests, %d errors", result.Requests, result.errors())
		}
		failed <- err
	}()
	r, err := b.startReader(ctx, t.admin, b.duration+margin)
	if err != nil {
		return nil, err
	}
	time.Sleep(margin / 2)
	var pairs []pair
	var reading time.Duration
	for i, begin := 0, time.Now(); time.Since(begin) < b.duration; i++ {
		var p pair
		for _, watched := range []bool{i%2 == 0, i%2 != 0} {
			if err := r.pause(!watched); err != nil {
				return nil, err
			}
			h, err := stretch(t)
			if err != nil {
				return nil, err
			}
			if watched {
				p.with = h
				reading += h.took
			} else {
				p.without = h
			}
		}
		pairs = append(pairs, p)
	}
	return pairs, errors.Join(r.end(reading), <-failed)
}

// stretch measures the target for a moment.
func stretch(t *target) (half, error) {
	cpuBefore, err := treeCPU(t.pids()...)
	if err != nil {
		return half{}, err
	}
	before, err := requestsOf(t.admin)
	if err != nil {
		return half{}, err
	}
	begin := time.Now()
	time.Sleep(watchedHalf)
	after, err := requestsOf(t.admin)
	if err != nil {
		return half{}, err
	}
	h := half{requests: after - before, took: time.Since(begin)}
	cpuAfter, err := treeCPU(t.pids()...)
	if err != nil {
		return half{}, err
	}
	h.cpu = cpuAfter - cpuBefore // of a little more than that time, each time
	if h.requests <= 0 {
		return half{}, fmt.Errorf("%d requests in %v", h.requests, h.took)
	}
	return h, nil
}

// requestsOf is how many requests a gateway has had.
func requestsOf(admin string) (int64, error) {
	client := &http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(admin + "/stats/loops")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	var loops []struct{ Requests int64 }
	if err := json.Unmarshal(text, &loops); err != nil {
		return 0, fmt.Errorf("%s/stats/loops: %s: %w", admin, answer.Status, err)
	}
	var sum int64
	for _, l := range loops {
		sum += l.Requests
	}
	return sum, nil
}

// reader is the process that reads, which is stopped for every other stretch.
type reader struct {
	command          *exec.Cmd
	output, problems bytes.Buffer
}

func (b *bench) startReader(ctx context.Context, admin string, d time.Duration) (*reader, error) {
	arguments := b.wrkCommand(statsReader, admin+statsReader.Path, d, "load.lua")
	r := &reader{command: exec.CommandContext(ctx, arguments[0], arguments[1:]...)}
	r.command.Stdout, r.command.Stderr = &r.output, &r.problems
	return r, r.command.Start()
}

func (r *reader) pause(paused bool) error {
	if paused {
		return r.command.Process.Signal(syscall.SIGSTOP)
	}
	return r.command.Process.Signal(syscall.SIGCONT)
}

// end waits for the reader, which has read for that time altogether; it is an error if it was less than half of what was meant,
// because then it says nothing.
func (r *reader) end(read time.Duration) error {
	if err := errors.Join(r.pause(false), r.command.Wait()); err != nil {
		return fmt.Errorf("reader: %w: %s", err, r.problems.Bytes())
	}
	result, err := parseWrk(r.output.Bytes())
	if err != nil {
		return fmt.Errorf("reader: %w", err)
	}
	return enough(result, read)
}

func enough(result wrkResult, read time.Duration) error {
	meant := int64(read / (time.Duration(statsReader.Pause) * time.Millisecond))
	if result.Requests < meant/2 || result.errors() > 0 {
		return fmt.Errorf("/stats was read %d times in %v with %d errors, expected about %d without", result.Requests, read, result.errors(), meant)
	}
	return nil
}

func printWatched(out io.Writer, load string, pairs []pair) {
	var rates, changes []float64
	var with, without half
	for _, p := range pairs {
		rates = append(rates, p.without.perSecond())
		changes = append(changes, p.with.perSecond()/p.without.perSecond()-1)
		with.requests, with.cpu = with.requests+p.with.requests, with.cpu+p.with.cpu
		without.requests, without.cpu = without.requests+p.without.requests, without.cpu+p.without.cpu
	}
	slices.Sort(changes)
	verdict := "within"
	if median(changes) < -watchedGoal {
		verdict = "beyond"
	}
	each := func(h half) float64 { return float64(h.cpu.Microseconds()) / float64(h.requests) }
	fmt.Fprintf(out, "%-12s %8.0f requests a second, %+.1f %% while it is read (%s the goal of %.0f %%; middle half of %d pairs: %+.1f to %+.1f %%), %.2f -> %.2f µs of the servers a request\n",
		load, median(rates), 100*median(changes), verdict, 100*watchedGoal, len(pairs), 100*changes[len(changes)/4], 100*changes[len(changes)*3/4], each(without), each(with))
}
