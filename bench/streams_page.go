package main

import (
	"fmt"
	"slices"
	"strings"
)

// streamSummary is the medians of a load on a target.
type streamSummary struct {
	Runs, Invalid             int
	Why                       string
	PerSecond                 float64
	Lowest, Highest           float64 // of messages per second
	CPU, ClientCPU, Megabytes float64 // megabytes per second, in each direction
}

func (s streamSummary) ok() bool { return s.Runs > 0 && s.Invalid == 0 }

func (r *streamReport) summary(target string, load streamLoad) streamSummary {
	var s streamSummary
	var rates, cpu, client []float64
	for _, run := range r.Runs {
		if run.Target != target || run.Load != load.Name {
			continue
		}
		s.Runs++
		if run.Invalid != "" {
			s.Invalid++
			s.Why = run.Invalid
			continue
		}
		rates, cpu, client = append(rates, run.PerSecond), append(cpu, run.CPU), append(client, run.ClientCPU)
	}
	if len(rates) > 0 {
		s.PerSecond, s.CPU, s.ClientCPU = median(rates), median(cpu), median(client)
		s.Lowest, s.Highest = slices.Min(rates), slices.Max(rates)
		s.Megabytes = s.PerSecond * float64(load.Bytes) / 1e6
	}
	return s
}

func (r *streamReport) table(page *strings.Builder) {
	page.WriteString("| messages | target | thousand/s | MB/s each way | server CPU, us/message | client CPU, us/message | lowest - highest, thousand/s | against net/http: rate / CPU |\n" +
		"|---|---|---:|---:|---:|---:|---:|---:|\n")
	for _, l := range r.Loads {
		base := r.summary("nethttp", l)
		for _, t := range r.Targets {
			s := r.summary(t.Name, l)
			if !s.ok() {
				fmt.Fprintf(page, "| %s | %s | invalid: %d of %d runs, %s | | | | | |\n", l.Title, t.Title, s.Invalid, s.Runs, s.Why)
				continue
			}
			against := ""
			if base.ok() {
				against = fmt.Sprintf("%.2f / %.2f", s.PerSecond/base.PerSecond, s.CPU/base.CPU)
			}
			fmt.Fprintf(page, "| %s | %s | %s | %s | %s | %s | %s - %s | %s |\n", l.Title, t.Title, number(s.PerSecond/1000), number(s.Megabytes),
				number(s.CPU), number(s.ClientCPU), number(s.Lowest/1000), number(s.Highest/1000), against)
		}
	}
}

func (r *streamReport) markdown(page *strings.Builder) {
	fmt.Fprintf(page, "\n## Upgraded connections\n\nMessages of 1 KiB that a hijacked connection echoes; \"16 at once\" are sent together and read back together. "+
		"Medians of %d interleaved rounds of %s s. The client runs on the same processors.\n\n", r.Settings.Rounds, number(r.Settings.Seconds))
	r.table(page)
	page.WriteString("\nIdle WebSockets (gorilla/websocket on both), each after one echoed message, and beyond 64 that were open before. Of Ringway the gateway and its worker: " +
		"pages of shared memory that both have touched are in both RSS, in the sum of PSS once. Kernel memory of the sockets is not in it.\n\n" +
		"| target | WebSockets | RSS difference of each process | per WebSocket: RSS | not shared | PSS | still answered |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, i := range r.Idle {
		var each []string
		for p := range i.After {
			each = append(each, mebibytes(i.After[p].RSS-i.Before[p].RSS))
		}
		pss := ""
		if !slices.ContainsFunc(i.After, func(m memory) bool { return m.PSS == 0 }) {
			pss = fmt.Sprintf("%d B", i.bytesEach(func(m memory) int64 { return m.PSS }))
		}
		fmt.Fprintf(page, "| %s | %d | %s | %d B | %d B | %s | %d |\n", i.Target, i.Connections, strings.Join(each, " + "),
			i.bytesEach(func(m memory) int64 { return m.RSS }), i.bytesEach(func(m memory) int64 { return m.Anonymous }), pss, i.Answered)
	}
	page.WriteString("\n")
	r.Settings.markdown(page)
	for _, t := range r.Targets {
		fmt.Fprintf(page, "- %s: `%s`\n", t.Title, t.Command)
	}
}
