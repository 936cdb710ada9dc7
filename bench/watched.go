package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// readsPerSecond is how often /stats is read, which is far more than anybody does.
const readsPerSecond = 100

// watchedGoal is how much throughput that may cost.
const watchedGoal = 0.02

// watched measures each load on the first target that is a gateway, with and without a reader of /stats, one after the
// other and in another order each round. It prints the medians and writes no file.
func watched(ctx context.Context, b *bench) error {
	i := slices.IndexFunc(b.targets, func(t *target) bool { return t.Name == "handler" || t.Name == "env" || t.Name == "native" })
	if i < 0 {
		return fmt.Errorf("%w: none of the targets is a gateway, expected handler, env or native", errUsage)
	}
	t := b.targets[i]
	if err := b.prepare([]*target{t}); err != nil {
		return err
	}
	fmt.Printf("%s, %d rounds of %v; /stats read %d times a second\n", t.Title, b.rounds, b.duration, readsPerSecond)
	for _, l := range b.loads {
		if !t.measures(l) {
			continue
		}
		if err := l.on(t).check(t.base); err != nil {
			return fmt.Errorf("%s: %w", l.Name, err)
		}
		var without, with []measurement
		for round := 1; round <= b.rounds; round++ {
			for half := range 2 {
				m := measurement{Target: t.Name, Load: l.Name, Round: round}
				if (round+half)%2 == 0 {
					if err := b.measure(ctx, t, l.on(t), &m); err != nil {
						return err
					}
					without = append(without, m)
					continue
				}
				r := read(t.admin + "/stats")
				err := b.measure(ctx, t, l.on(t), &m)
				if err = errors.Join(err, r.stop(b.duration)); err != nil {
					return err
				}
				with = append(with, m)
			}
			if m := slices.Concat(with, without); slices.ContainsFunc(m, func(m measurement) bool { return m.Invalid != "" }) {
				return fmt.Errorf("%s, round %d: a run does not count: %+v", l.Name, round, m)
			}
		}
		printWatched(os.Stdout, l.Name, without, with)
	}
	return nil
}

func printWatched(out io.Writer, load string, without, with []measurement) {
	rate := func(m measurement) float64 { return m.PerSecond }
	cpu := func(m measurement) float64 { return m.CPU }
	p99 := func(m measurement) float64 { return m.P99 }
	cost := 1 - medianBy(with, rate)/medianBy(without, rate)
	verdict := "within"
	if cost > watchedGoal {
		verdict = "beyond"
	}
	fmt.Fprintf(out, "%-12s %8.0f -> %8.0f requests a second (%+.1f %%, %s the goal of %.0f %%), %.2f -> %.2f µs of the servers a request, p99 %.0f -> %.0f µs\n",
		load, medianBy(without, rate), medianBy(with, rate), -100*cost, verdict, 100*watchedGoal, medianBy(without, cpu), medianBy(with, cpu),
		medianBy(without, p99), medianBy(with, p99))
}

func medianBy(all []measurement, of func(measurement) float64) float64 {
	var values []float64
	for _, m := range all {
		values = append(values, of(m))
	}
	return median(values)
}

// reader reads a URL again and again, on one connection.
type reader struct {
	ended  chan struct{}
	done   sync.WaitGroup
	reads  int
	failed error // the first failure
}

func read(url string) *reader {
	r := &reader{ended: make(chan struct{})}
	r.done.Go(func() {
		client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxConnsPerHost: 1}}
		defer client.CloseIdleConnections()
		tick := time.NewTicker(time.Second / readsPerSecond)
		defer tick.Stop()
		for {
			select {
			case <-r.ended:
				return
			case <-tick.C:
			}
			if err := r.once(client, url); err != nil && r.failed == nil {
				r.failed = err
			}
		}
	})
	return r
}

func (r *reader) once(client *http.Client, url string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	r.reads++
	return nil
}

// stop ends the reading; it is an error if it was less than half of what was meant, because then it says nothing.
func (r *reader) stop(took time.Duration) error {
	close(r.ended)
	r.done.Wait()
	if meant := int(took.Seconds() * readsPerSecond); r.failed == nil && r.reads < meant/2 {
		return fmt.Errorf("/stats was read %d times in %v, expected about %d", r.reads, took, meant)
	}
	return r.failed
}
