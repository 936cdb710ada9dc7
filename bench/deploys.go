package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// deployClients is the number of connections that ask while something is replaced.
const deployClients = 64

// deployTarget is one kind of service.
type deployTarget struct {
	Name, Title string
	make        func(site) service
}

func allDeployTargets() []deployTarget {
	return []deployTarget{
		{"ringway", "Ringway, http.Handler", func(s site) service { return &ringway{site: s} }},
		{"nginx", "nginx -> net/http, restarted", func(s site) service { return &behindNginx{site: s, backends: 1} }},
		{"nginx-two", "nginx -> two net/http, restarted in turn", func(s site) service { return &behindNginx{site: s, backends: 2} }},
		{"tableflip", "net/http, handed over by tableflip", func(s site) service { return &handedOver{site: s} }},
	}
}

// scenario is what is done to a service under load.
type scenario struct {
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	Orders  int     `json:"orders"`  // given one after the other, a second apart or when the last one is over
	Seconds float64 `json:"seconds"` // of load that count
	Warm    float64 `json:"warm_up"` // seconds of load before
	order   func(service) error
}

// firstOrder is when the first order is given, after the load has begun to count.
const firstOrder = 250 * time.Millisecond

// scenarios are those of a run whose short ones last d.
func scenarios(d time.Duration, quick bool) []scenario {
	calm, swaps := 10.0, 20
	if quick {
		calm, swaps = 3, 5
	}
	short := d.Seconds()
	return []scenario{
		{"swap", "one swap", 1, short, 1, service.swap},
		// After five seconds a supervisor takes a process for healthy.
		{"kill", "kill -9 of the only worker (of the two services: of one)", 1, short, 5, service.kill},
		{"upgrade", "upgrade of what owns the socket", 1, short, 1, service.upgrade},
		{"calm", "nothing", 0, calm, 1, nil},
		{"swaps", fmt.Sprintf("%d swaps, a second apart", swaps), swaps, float64(swaps), 1, service.swap},
	}
}

// deployRun is one scenario on one target, once.
type deployRun struct {
	Target   string `json:"target"`
	Scenario string `json:"scenario"`
	Round    int    `json:"round"`

	Requests int64   `json:"requests"` // answered well
	Seconds  float64 `json:"seconds"`
	Failed   tally   `json:"failed"`
	Wrong    string  `json:"first_wrong_answer,omitempty"`
	Gap      float64 `json:"gap_ms"`  // the longest time without a good answer to anybody
	Wait     float64 `json:"wait_ms"` // the longest time that one client was without the answer it wanted
	P50      float64 `json:"p50_us"`
	P99      float64 `json:"p99_us"`
	Max      float64 `json:"max_us"`

	Done   int       `json:"orders_done"`
	Ready  []float64 `json:"ready_to_first_answer_ms,omitempty"` // of each process that came
	Order  []float64 `json:"order_to_first_answer_ms,omitempty"` // of each order, by the first process that came after it
	Absent string    `json:"not_offered,omitempty"`
	Why    string    `json:"invalid,omitempty"` // why the run does not count
}

// deployReport is the file deploys.json.
type deployReport struct {
	Settings  settings          `json:"settings"`
	Clients   int               `json:"clients"`
	Rate      float64           `json:"requests_per_second_offered"`
	Targets   []describedTarget `json:"targets"`
	Scenarios []scenario        `json:"scenarios"`
	Runs      []deployRun       `json:"runs"`
}

// deploys runs every scenario on every target, round by round, as compare does with loads. Each run has processes of its own.
func deploys(ctx context.Context, b *bench) error {
	if err := becomeReaper(); err != nil {
		return err
	}
	if err := b.buildPeers(); err != nil {
		return err
	}
	report := deployReport{Settings: b.settings(), Clients: deployClients, Rate: b.rate, Scenarios: b.scenarios}
	commands := make(map[string]string)
	for round := 1; round <= b.rounds; round++ {
		for _, s := range b.scenarios {
			for i := range b.deployTargets {
				t := b.deployTargets[(i+round-1)%len(b.deployTargets)]
				one := t.make(site{b: b, name: "deploy-" + t.Name})
				run, err := b.deploy(ctx, one, s)
				if err != nil {
					return fmt.Errorf("%s on %s: %w", s.Name, t.Name, err)
				}
				run.Target, run.Scenario, run.Round = t.Name, s.Name, round
				report.Runs = append(report.Runs, run)
				b.deployProgress(run)
				if commands[t.Name] == "" {
					commands[t.Name] = one.place().command
				}
			}
		}
	}
	for _, t := range b.deployTargets {
		report.Targets = append(report.Targets, describedTarget{t.Name, t.Title, commands[t.Name]})
	}
	if err := writeJSON(filepath.Join(b.out, "deploys.json"), report); err != nil {
		return err
	}
	return b.report()
}

// deploy starts a service, puts the load on it, gives the scenario's orders and ends it again. An order that fails makes the run invalid;
// an error is one of the benchmark itself.
func (b *bench) deploy(ctx context.Context, one service, s scenario) (deployRun, error) {
	var run deployRun
	defer b.stopAll()
	if err := one.start(); err != nil {
		return run, err
	}
	place := one.place()
	crowd := gather(place.address, deployClients, b.rate, time.Duration(s.Warm*float64(time.Second)))
	defer crowd.disperse()
	end := crowd.counted.Add(time.Duration(s.Seconds * float64(time.Second)))
	var orders []time.Time
	for i := range s.Orders {
		if err := sleepUntil(ctx, crowd.counted.Add(firstOrder+time.Duration(i)*time.Second)); err != nil {
			return run, err
		}
		if time.Now().After(end) {
			break
		}
		orders = append(orders, time.Now())
		if err := s.order(one); errors.Is(err, errNotOffered) {
			run.Absent = err.Error()
			return run, nil
		} else if err != nil {
			run.Why = err.Error()
			break
		}
		run.Done++
	}
	if run.Why == "" {
		if err := sleepUntil(ctx, end); err != nil {
			return run, err
		}
	}
	ended := crowd.disperse()
	texts := make([]string, 0, len(place.logs))
	for _, log := range place.logs {
		text, err := os.ReadFile(log)
		if err != nil {
			return run, err
		}
		texts = append(texts, string(text))
	}
	run.fill(crowd, ended)
	run.came(crowd.seen, orders, readyTimes(texts))
	switch {
	case run.Why != "":
	case run.Requests == 0:
		run.Why = "no request was answered"
	case s.Orders > 0 && run.Done == 0:
		run.Why = "no order was given in time"
	}
	return run, nil
}

func sleepUntil(ctx context.Context, at time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(at)):
		return nil
	}
}

func (b *bench) deployProgress(r deployRun) {
	switch {
	case r.Absent != "":
		fmt.Fprintf(os.Stderr, "%d/%d %-8s %-10s %s\n", r.Round, b.rounds, r.Scenario, r.Target, r.Absent)
	default:
		note := ""
		if r.Why != "" {
			note = "  INVALID: " + r.Why
		}
		fmt.Fprintf(os.Stderr, "%d/%d %-8s %-10s %7d answers  %d errors  %d refused  %d closed  gap %.1f ms  wait %.1f ms  p50 %.0f us  p99 %.0f us%s\n",
			r.Round, b.rounds, r.Scenario, r.Target, r.Requests, r.Failed.errors(), r.Failed.Refused, r.Failed.Closed,
			r.Gap, r.Wait, r.P50, r.P99, note)
	}
}

// newOnes returns when the processes that came after the first order answered first, in order of time.
func newOnes(seen map[int]time.Time, orders []time.Time) []time.Time {
	var came []time.Time
	for _, at := range seen {
		if len(orders) > 0 && at.After(orders[0]) {
			came = append(came, at)
		}
	}
	slices.SortFunc(came, time.Time.Compare)
	return came
}
