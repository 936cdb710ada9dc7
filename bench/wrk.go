package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed script/*.lua
var scripts embed.FS

// wrkResult is what the scripts print when a run is over.
type wrkResult struct {
	Requests int64         `json:"requests"`
	Bytes    int64         `json:"bytes"`
	Duration int64         `json:"duration_us"`
	Connect  int64         `json:"connect"`
	Read     int64         `json:"read"`
	Write    int64         `json:"write"`
	Status   int64         `json:"status"`
	Timeout  int64         `json:"timeout"`
	P50      int64         `json:"p50_us"`
	P99      int64         `json:"p99_us"`
	Max      int64         `json:"max_us"`
	client   time.Duration // processor time of wrk itself
}

func (r wrkResult) errors() int64 { return r.Connect + r.Read + r.Write + r.Status + r.Timeout }

func (b *bench) writeScripts() error {
	entries, err := scripts.ReadDir("script")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		text, err := scripts.ReadFile("script/" + entry.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.work, entry.Name()), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// wrkCommand is the command line of a run of d, which is whole seconds.
func (b *bench) wrkCommand(l load, url string, d time.Duration, script string) []string {
	arguments := []string{
		"wrk", "-t", "1", "-c", strconv.Itoa(l.Connections), "-d", strconv.Itoa(int(d/time.Second)) + "s",
		"--timeout", "5s", "-s", filepath.Join(b.work, script), url,
		"--", l.Method, strconv.Itoa(l.Body), strconv.Itoa(l.Depth), strconv.Itoa(l.Pause),
	}
	if b.clientCPUs != "" {
		arguments = append([]string{"taskset", "-c", b.clientCPUs}, arguments...)
	}
	return arguments
}

// runWrk runs wrk to its end.
func (b *bench) runWrk(ctx context.Context, arguments []string) (wrkResult, error) {
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		return wrkResult{}, fmt.Errorf("wrk: %w: %s%s", err, output, problems.Bytes())
	}
	result, err := parseWrk(output)
	if err != nil {
		return wrkResult{}, err
	}
	result.client = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return result, nil
}

// parseWrk finds the line that the scripts print in wrk's output.
func parseWrk(output []byte) (wrkResult, error) {
	var result wrkResult
	_, text, found := bytes.Cut(output, []byte("\nRESULT "))
	if !found {
		return result, fmt.Errorf("wrk printed no result: %q", output)
	}
	text, _, _ = bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(text, &result); err != nil {
		return result, fmt.Errorf("result of wrk %q: %w", text, err)
	}
	if result.Duration <= 0 {
		return result, errors.New("wrk reports a run of no duration")
	}
	return result, nil
}
