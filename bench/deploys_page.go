package main

import (
	"fmt"
	"strings"
)

func (d *deployReport) markdown(page *strings.Builder) {
	fmt.Fprintf(page, "\n## Deploys\n\n%d keep-alive connections ask for `/pid`, %s times a second together; a Go client checks every answer and "+
		"never asks twice. A request that was due while its connection waited for the one before is timed from when it was due. "+
		"Medians of %d interleaved rounds, errors are sums of all; every run has processes of its own.\n\n", d.Clients, d.rate(), d.Settings.Rounds)
	page.WriteString("- **Errors**: requests that were sent and had another status than 200, a connection that ended before the whole answer (cut), a wrong " +
		"answer, or none within five seconds. **Refused**: no connection could be made. **Closed**: connections that the server ended with " +
		"`Connection: close` or while nothing was asked on them; the client makes another one.\n" +
		"- **Gap**: the longest time without a good answer to anybody. **Wait**: the longest time that one client was without the answer that it " +
		"wanted, over all failures; in brackets the worst of all rounds.\n" +
		"- **Ready**: from when a new process says that it can serve (Ringway: the worker's READY, as the gateway logs it; the others: they listen) " +
		"to its first answer at a client. **Order**: from the order, or the kill, to the first answer of a process that came after it; starting it is part of it.\n" +
		"- Swap: `POST /swap`; nginx: TERM to the service, wait for its end, start the next; with two services the same for one after the other, 200 ms apart; " +
		"tableflip: HUP. A killed process, after five seconds of load: Ringway's supervisor starts another at once (after a shorter life it waits 50 ms and more); the benchmark does the " +
		"same for the others as soon as they have ended, which no supervisor beats. Upgrade: `gateway upgrade`; nginx: USR2, then QUIT to the old one; with tableflip the swap is all there is.\n\n")
	d.tables(page)
	d.invalid(page)
	page.WriteString("\n### Settings of the deploys\n\n")
	d.Settings.markdown(page)
	page.WriteString("\nTargets as first started (scratch paths shortened):\n\n")
	for _, t := range d.Targets {
		fmt.Fprintf(page, "- %s (`%s`): `%s`\n", t.Title, t.Name, t.Command)
	}
}

func (d *deployReport) rate() string {
	if d.Rate == 0 {
		return "as fast as they are answered, "
	}
	return number(d.Rate)
}

// tables prints a table for each scenario, and one that compares latency with swaps and without.
func (d *deployReport) tables(page *strings.Builder) {
	for _, s := range d.Scenarios {
		fmt.Fprintf(page, "### Under load: %s\n\n| target | errors | refused | closed | gap, ms | wait, ms | p50 / p99 / max, µs | ready, ms | order, ms | answers |\n"+
			"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n", s.Title)
		for _, t := range d.Targets {
			r := d.summary(t.Name, s.Name)
			switch {
			case r.Runs == 0:
			case r.Absent != "":
				fmt.Fprintf(page, "| %s | | | | | | %s | | | |\n", t.Title, r.Absent)
			case !r.ok():
				fmt.Fprintf(page, "| %s | | | | | | invalid | | | |\n", t.Title)
			default:
				title := t.Title
				if wanted := s.Orders * r.Runs; r.Orders < wanted {
					title += fmt.Sprintf(" (%d of %d orders: the others would have come too late)", r.Orders, wanted)
				}
				fmt.Fprintf(page, "| %s | %s | %d | %d | %s | %s (%s) | %s / %s / %s | %s | %s | %d |\n", title, r.Failed.text(), r.Failed.Refused, r.Failed.Closed,
					number(r.Gap), number(r.Wait), number(r.Worst), number(r.P50), number(r.P99), number(r.Max),
					medianOf(r.Ready, r.ReadySeen), medianOf(r.Order, r.OrdersN), r.Requests)
			}
		}
		page.WriteString("\n")
	}
	first := true
	for _, t := range d.Targets {
		ratio, err := d.slowdown(t.Name)
		if err != nil {
			continue
		}
		if first {
			page.WriteString("### p99 with swaps against without\n\n| target | without, µs | with, µs | |\n|---|---:|---:|---:|\n")
			first = false
		}
		fmt.Fprintf(page, "| %s | %s | %s | %sx |\n", t.Title, number(d.summary(t.Name, "calm").P99), number(d.summary(t.Name, "swaps").P99), number(ratio))
	}
}

// medianOf prints a median, or nothing if there was nothing.
func medianOf(value float64, of int) string {
	if of == 0 {
		return ""
	}
	return number(value)
}

// text is the number of errors, with their kinds if there are any.
func (t tally) text() string {
	var kinds []string
	for _, kind := range []struct {
		count int64
		name  string
	}{{t.Status, "status"}, {t.Cut, "cut"}, {t.Wrong, "wrong"}, {t.Late, "late"}} {
		if kind.count > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", kind.count, kind.name))
		}
	}
	if len(kinds) == 0 {
		return "0"
	}
	return strings.Join(kinds, ", ")
}

func (d *deployReport) invalid(page *strings.Builder) {
	for _, t := range d.Targets {
		for _, s := range d.Scenarios {
			if r := d.summary(t.Name, s.Name); r.Invalid > 0 {
				fmt.Fprintf(page, "\n**Invalid**: %s, %s: %d of %d runs; %s\n", t.Title, s.Title, r.Invalid, r.Runs, r.Why)
			}
		}
	}
}

// slowdown is p99 during the swaps against p99 of the same load without.
func (d *deployReport) slowdown(target string) (float64, error) {
	calm, swaps := d.summary(target, "calm"), d.summary(target, "swaps")
	switch {
	case !calm.ok() || !swaps.ok():
		return 0, fmt.Errorf("not measured on %s", target)
	case calm.P99 == 0:
		return 0, fmt.Errorf("p99 without swaps is 0 on %s", target)
	}
	return swaps.P99 / calm.P99, nil
}

// failures is how many requests were not answered well on a target in some scenarios, each of which must have been run.
func (d *deployReport) failures(target string, scenarios ...string) (float64, error) {
	var sum int64
	for _, name := range scenarios {
		s := d.summary(target, name)
		switch {
		case s.Absent != "":
			return 0, fmt.Errorf("%s", s.Absent)
		case s.Runs == 0:
			return 0, fmt.Errorf("%s not measured on %s", name, target)
		case s.Invalid > 0:
			return 0, fmt.Errorf("%s on %s has %d invalid runs: %s", name, target, s.Invalid, s.Why)
		}
		sum += s.Failed.errors() + s.Failed.Refused
	}
	return float64(sum), nil
}
