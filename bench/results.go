package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// describedTarget is a target as the results name it.
type describedTarget struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Command string `json:"command"`
}

// comparison is the file compare.json.
type comparison struct {
	Settings     settings          `json:"settings"`
	Targets      []describedTarget `json:"targets"`
	Loads        []load            `json:"loads"`
	Measurements []measurement     `json:"measurements"`
}

// summary is the median of the valid runs of one load on one target.
type summary struct {
	Runs, Invalid    int
	Why              string // of the first invalid run
	PerSecond        float64
	Lowest, Highest  float64 // of requests per second
	CPU, ClientCPU   float64
	P50, P99         float64
	Requests, Errors int64
}

// ok reports whether the figures may be used: no run of the set had an error.
func (s summary) ok() bool { return s.Runs > 0 && s.Invalid == 0 }

func (c *comparison) summary(target, load string) summary {
	var s summary
	var rates, cpu, client, p50, p99 []float64
	for _, m := range c.Measurements {
		if m.Target != target || m.Load != load {
			continue
		}
		s.Runs++
		s.Requests += m.Requests
		s.Errors += m.Errors
		if m.Invalid != "" {
			s.Invalid++
			if s.Why == "" {
				s.Why = m.Invalid
			}
			continue
		}
		rates, cpu, client = append(rates, m.PerSecond), append(cpu, m.CPU), append(client, m.ClientCPU)
		p50, p99 = append(p50, m.P50), append(p99, m.P99)
	}
	if len(rates) > 0 {
		s.PerSecond, s.CPU, s.ClientCPU, s.P50, s.P99 = median(rates), median(cpu), median(client), median(p50), median(p99)
		s.Lowest, s.Highest = slices.Min(rates), slices.Max(rates)
	}
	return s
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func writeJSON(path string, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// readJSON reads a file into value; a file that does not exist is no error, and reported as false.
func readJSON(path string, value any) (bool, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	return true, nil
}

// recorded is everything that has been measured into a results directory; a part that was not is nil.
type recorded struct {
	compare *comparison
	deploys *deployReport
	memory  *memoryReport
	streams *streamReport
	soak    *soakReport
}

func readRecorded(directory string) (recorded, error) {
	var r recorded
	var c comparison
	var d deployReport
	var m memoryReport
	var u streamReport
	var s soakReport
	for _, part := range []struct {
		name  string
		value any
		set   func()
	}{
		{"compare.json", &c, func() { r.compare = &c }},
		{"deploys.json", &d, func() { r.deploys = &d }},
		{"memory.json", &m, func() { r.memory = &m }},
		{"streams.json", &u, func() { r.streams = &u }},
		{"soak.json", &s, func() { r.soak = &s }},
	} {
		found, err := readJSON(filepath.Join(directory, part.name), part.value)
		if err != nil {
			return r, err
		}
		if found {
			part.set()
		}
	}
	return r, nil
}

// report writes README.md and the plots from what is recorded, and prints the tables.
func (b *bench) report() error {
	r, err := readRecorded(b.out)
	if err != nil {
		return err
	}
	notes, err := os.ReadFile(filepath.Join(b.out, "notes.md"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := r.markdown(string(notes))
	if err := os.WriteFile(filepath.Join(b.out, "README.md"), []byte(text), 0o644); err != nil {
		return err
	}
	if err := r.plots(b.out); err != nil {
		return err
	}
	fmt.Print(r.brief())
	return nil
}
