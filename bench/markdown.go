package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// number prints a figure with about three significant digits.
func number(value float64) string {
	switch magnitude := math.Abs(value); {
	case value == math.Trunc(value) && magnitude < 1000:
		return fmt.Sprintf("%.0f", value)
	case magnitude >= 100:
		return fmt.Sprintf("%.0f", value)
	case magnitude >= 10:
		return fmt.Sprintf("%.1f", value)
	case magnitude >= 0.01:
		return fmt.Sprintf("%.2f", value)
	default:
		return fmt.Sprintf("%.2g", value)
	}
}

// markdown is the results page. notes is hand-written text about the figures, put after the goals.
func (r recorded) markdown(notes string) string {
	var page strings.Builder
	page.WriteString("# Results of the benchmark\n\nWritten by `make bench`, `make bench-deploys`, `make bench-streams` and `make soak`; the raw figures are in the JSON files beside.\n" +
		"Only ratios carry over to another machine.\n")
	r.goals(&page)
	if notes != "" {
		page.WriteString("\n" + strings.TrimSpace(notes) + "\n")
	}
	if r.compare != nil {
		r.compare.markdown(&page)
	}
	if r.deploys != nil {
		r.deploys.markdown(&page)
	}
	if r.memory != nil {
		r.memory.markdown(&page)
	}
	if r.streams != nil {
		r.streams.markdown(&page)
	}
	if r.soak != nil {
		r.soak.markdown(&page)
	}
	return page.String()
}

func (r recorded) goals(page *strings.Builder) {
	page.WriteString("\n## Goals\n\n| goal | measured | wanted | |\n|---|---:|---:|---|\n")
	for _, g := range goals {
		measured, wanted, outcome := g.verdict(r)
		fmt.Fprintf(page, "| %s | %s | %s | %s |\n", g.title, measured, wanted, outcome)
	}
}

// brief is what a run prints at its end: the goals that were measured, and the main tables.
func (r recorded) brief() string {
	var text, page strings.Builder
	r.goals(&page)
	if rows := slices.DeleteFunc(slices.Collect(strings.Lines(page.String())), func(line string) bool {
		return strings.Contains(line, "not measured")
	}); strings.Contains(rows[len(rows)-1], "≥") || strings.Contains(rows[len(rows)-1], "≤") {
		text.WriteString(strings.Join(rows, ""))
	}
	if r.compare != nil {
		text.WriteString("\n")
		r.compare.mainTable(&text)
		r.compare.invalid(&text)
	}
	if r.deploys != nil {
		text.WriteString("\n")
		r.deploys.tables(&text)
	}
	if r.streams != nil {
		text.WriteString("\n")
		r.streams.table(&text)
	}
	return text.String()
}

func (c *comparison) mainTable(page *strings.Builder) {
	c.table(page, "Thousand requests per second / microseconds of server CPU (all its processes) per request", func(_ load, s, _ summary) string {
		return number(s.PerSecond/1000) + " / " + number(s.CPU)
	})
}

func (c *comparison) markdown(page *strings.Builder) {
	fmt.Fprintf(page, "\n## Comparison\n\nMedians of %d interleaved rounds of %s s.\n\n", c.Settings.Rounds, number(c.Settings.Seconds))
	c.mainTable(page)
	page.WriteString("![Requests per second](throughput.svg)\n\n![Server CPU per request](cpu.svg)\n\n")
	c.table(page, "Latency in microseconds: p50 / p99, as wrk tells them", func(l load, s, _ summary) string {
		if l.Depth > 1 {
			return "" // wrk corrects for requests that it held back, and takes pipelined ones for such
		}
		return number(s.P50) + " / " + number(s.P99)
	})
	c.table(page, "Against net/http direct: throughput / CPU per request", func(_ load, s, base summary) string {
		if !base.ok() {
			return ""
		}
		return fmt.Sprintf("%.2f / %.2f", s.PerSecond/base.PerSecond, s.CPU/base.CPU)
	})
	c.table(page, "Spread: lowest and highest requests per second of the rounds, in thousands", func(_ load, s, _ summary) string {
		return number(s.Lowest/1000) + " - " + number(s.Highest/1000)
	})
	c.table(page, "CPU of the load generator, microseconds per request", func(_ load, s, _ summary) string { return number(s.ClientCPU) })
	page.WriteString("The load generator runs on the same processors: what a server leaves idle is used by it.\n")

	c.invalid(page)
	page.WriteString("\n### Settings\n\n")
	c.Settings.markdown(page)
	page.WriteString("\nTargets as started (scratch paths shortened):\n\n")
	for _, t := range c.Targets {
		fmt.Fprintf(page, "- %s (`%s`): `%s`\n", t.Title, t.Name, t.Command)
	}
	page.WriteString("\nLoads (wrk, 1 thread):\n\n")
	for _, l := range c.Loads {
		fmt.Fprintf(page, "- `%s`: %s %s, %d connections, %d requests at once, body %d bytes\n",
			l.Name, l.Method, l.Path, l.Connections, l.Depth, l.Body)
	}
}

// table prints one row per target and one column per load; cell gets the load's summary on the target and on net/http.
func (c *comparison) table(page *strings.Builder, title string, cell func(l load, s, base summary) string) {
	fmt.Fprintf(page, "### %s\n\n| target |", title)
	for _, l := range c.Loads {
		fmt.Fprintf(page, " %s |", l.Title)
	}
	page.WriteString("\n|---|" + strings.Repeat("---:|", len(c.Loads)) + "\n")
	for _, t := range c.Targets {
		fmt.Fprintf(page, "| %s |", t.Title)
		for _, l := range c.Loads {
			s, text := c.summary(t.Name, l.Name), ""
			if s.ok() {
				text = cell(l, s, c.summary("nethttp", l.base()))
			} else if s.Runs > 0 {
				text = "invalid"
			}
			fmt.Fprintf(page, " %s |", text)
		}
		page.WriteString("\n")
	}
	page.WriteString("\n")
}

func (c *comparison) invalid(page *strings.Builder) {
	first := true
	for _, t := range c.Targets {
		for _, l := range c.Loads {
			s := c.summary(t.Name, l.Name)
			if s.Invalid == 0 {
				continue
			}
			if first {
				page.WriteString("\n### Invalid runs\n\n")
				first = false
			}
			fmt.Fprintf(page, "- %s, %s: %d of %d runs, %d errors; %s\n", t.Title, l.Title, s.Invalid, s.Runs, s.Errors, s.Why)
		}
	}
	if first {
		page.WriteString("\nNo run had an error or an answer other than 200.\n")
	}
}

func (s settings) markdown(page *strings.Builder) {
	fmt.Fprintf(page, "- %s, source %s\n- %s, %d processors, %d GiB, Linux %s, %s; load average at the start %s\n",
		s.Date, s.Commit, s.Machine, s.CPUs, s.MemoryGiB, s.Kernel, s.System, s.Load)
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(s.Versions)) {
		versions = append(versions, name+" "+s.Versions[name])
	}
	fmt.Fprintf(page, "- %s\n- `%s`; pinned: %s\n", strings.Join(versions, ", "), s.Command, s.Pinned)
}
