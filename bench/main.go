// Command bench compares Ringway with other ways to put a Go service on a port, on one machine, and measures the
// gateway's memory.
//
//	bench compare   throughput, processor time and latency of all targets in turn
//	bench deploys   errors, gaps and latency while workers are swapped and killed and gateways upgraded
//	bench watched   what a reader of /stats costs, 100 times a second; prints it
//	bench memory    idle connections, allocations per request
//	bench streams   messages on upgraded connections, idle WebSockets
//	bench soak      memory over a long mixed load (does what memory does as well)
//	bench report    writes the tables and plots again from the recorded figures
//
// Results are written to bench/results (JSON, Markdown, SVG); with --quick to bench/work/quick. Servers listen on
// loopback only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// bench is one run of the program: its settings and the processes it has started.
type bench struct {
	root string // of the source tree
	work string // scratch directory, ignored by git

	files string // directory of the files that are asked for
	out   string // where results go

	rounds       int
	duration     time.Duration
	warm         time.Duration
	quick        bool
	serverCPUs   string
	clientCPUs   string
	worker       string // worker binary
	gatewayFlags []string
	workerFlags  []string

	targets []*target
	loads   []load

	rate          float64 // of deploys: requests per second of all clients
	deployTargets []deployTarget
	scenarios     []scenario

	processes []*process
	port      int
}

func init() {
	// Servers get a signal when the thread that started them ends: the main thread lives as long as the program.
	runtime.LockOSThread()
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, arguments []string) error {
	modes := map[string]func(context.Context, *bench) error{
		"compare": compare, "deploys": deploys, "watched": watched, "memory": measureMemory, "soak": soak, "streams": streams,
		"report": func(_ context.Context, b *bench) error { return b.report() },
	}
	if len(arguments) == 0 || modes[arguments[0]] == nil {
		return fmt.Errorf("%w: expected compare, deploys, watched, memory, streams, soak or report, then flags; got %q", errUsage, arguments)
	}
	mode := arguments[0]
	b, err := configure(mode, arguments[1:])
	if err != nil {
		return err
	}
	defer b.stopAll()
	return modes[mode](ctx, b)
}

func configure(mode string, arguments []string) (*bench, error) {
	b := &bench{port: 18000}
	set := flag.NewFlagSet("bench "+mode, flag.ContinueOnError)
	set.IntVar(&b.rounds, "rounds", 5, "`number` of rounds, in deploys 3; each runs all targets of each load or scenario in turn")
	set.DurationVar(&b.duration, "duration", 3*time.Second, "of one run, whole seconds; soak: of the mixed load (default 10m); deploys: of one swap, kill or upgrade")
	set.BoolVar(&b.quick, "quick", false, "one round of short runs, results in work/quick")
	targets := set.String("targets", "", "comma-separated `names` of targets (default all)")
	names := set.String("loads", "", "comma-separated `names` of loads (default all)")
	set.Float64Var(&b.rate, "rate", 6400, "requests per second in deploys, of 64 connections together; 0: as fast as they are answered")
	events := set.String("scenarios", "", "comma-separated `names` of scenarios of deploys (default all)")
	set.StringVar(&b.serverCPUs, "pin-servers", "", "processor `list` for taskset of the servers")
	set.StringVar(&b.clientCPUs, "pin-client", "", "processor `list` for taskset of wrk")
	set.StringVar(&b.out, "out", "", "`directory` of the results")
	gateway := set.String("gateway-flags", "--loops 1", "`flags` of the gateway, separated by spaces")
	worker := set.String("worker-flags", "--dispatch auto", "`flags` of the worker besides --mode")
	set.SetOutput(io.Discard)
	if err := set.Parse(arguments); errors.Is(err, flag.ErrHelp) {
		set.SetOutput(os.Stdout)
		set.Usage()
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if set.NArg() > 0 {
		return nil, fmt.Errorf("%w: unexpected argument %q", errUsage, set.Arg(0))
	}
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if mode == "soak" && !given["duration"] {
		b.duration = 10 * time.Minute
	}
	if mode == "deploys" && !given["rounds"] {
		b.rounds = 3
	}
	b.warm = time.Second
	switch {
	case b.quick && mode == "deploys":
		b.rounds, b.duration = 1, 2*time.Second
	case b.quick:
		b.rounds, b.warm = 1, 0
		if mode != "soak" {
			b.duration = time.Second
		}
	}
	if b.rounds < 1 || b.duration < time.Second || b.duration%time.Second != 0 {
		return nil, fmt.Errorf("%w: --rounds %d --duration %v: expected at least one round of whole seconds", errUsage, b.rounds, b.duration)
	}
	b.gatewayFlags, b.workerFlags = strings.Fields(*gateway), strings.Fields(*worker)

	var err error
	if b.root, err = sourceRoot(); err != nil {
		return nil, err
	}
	b.work = filepath.Join(b.root, "bench/work")
	b.worker = filepath.Join(b.root, "bin/appworker")
	if b.out == "" {
		b.out = filepath.Join(b.root, "bench/results")
		if b.quick {
			b.out = filepath.Join(b.work, "quick")
		}
	}
	b.files = filepath.Join(b.work, "files")
	for _, directory := range []string{b.work, b.out, b.files} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return nil, err
		}
	}
	for name, size := range map[string]int{"1m": 1 << 20, "16m": 16 << 20} {
		content := []byte(strings.Repeat("0123456789abcdef", size/16))
		if err := os.WriteFile(filepath.Join(b.files, name), content, 0o644); err != nil {
			return nil, err
		}
	}
	if b.rate < 0 {
		return nil, fmt.Errorf("%w: --rate %v: expected 0 or more", errUsage, b.rate)
	}
	if b.scenarios, err = chosen(scenarios(b.duration, b.quick), *events, func(s scenario) string { return s.Name }); err != nil {
		return nil, err
	}
	if mode == "deploys" {
		if b.clientCPUs != "" {
			return nil, fmt.Errorf("%w: --pin-client %s: the clients of deploys are in this program, expected taskset around it", errUsage, b.clientCPUs)
		}
		b.deployTargets, err = chosen(allDeployTargets(), *targets, func(t deployTarget) string { return t.Name })
		return b, err
	}
	if b.targets, err = chosen(allTargets(), *targets, func(t *target) string { return t.Name }); err != nil {
		return nil, err
	}
	if b.loads, err = chosen(loads, *names, func(l load) string { return l.Name }); err != nil {
		return nil, err
	}
	return b, nil
}

// chosen returns the elements of all that list names, in the order of all; all of them if list is empty.
func chosen[T any](all []T, list string, name func(T) string) ([]T, error) {
	if list == "" {
		return all, nil
	}
	wanted, known := map[string]bool{}, []string{}
	for part := range strings.SplitSeq(list, ",") {
		wanted[part] = true
	}
	var found []T
	for _, element := range all {
		known = append(known, name(element))
		if wanted[name(element)] {
			found = append(found, element)
			delete(wanted, name(element))
		}
	}
	for part := range wanted {
		return nil, fmt.Errorf("%w: unknown name %q, expected some of %s", errUsage, part, strings.Join(known, ","))
	}
	return found, nil
}

// sourceRoot is the directory above the one that holds this module's go.mod.
func sourceRoot() (string, error) {
	output, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	file := strings.TrimSpace(string(output))
	if filepath.Base(filepath.Dir(file)) != "bench" {
		return "", fmt.Errorf("run this in the directory bench (go.mod found: %q)", file)
	}
	return filepath.Dir(filepath.Dir(file)), nil
}

// buildPeers builds the peers that are part of this module.
func (b *bench) buildPeers() error {
	for _, name := range []string{"nethttp", "fasthttp", "tableflip", "sockets"} {
		build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(b.work, "peer-"+name), "./peers/"+name)
		build.Dir = filepath.Join(b.root, "bench")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build of peer %s: %w\n%s", name, err, output)
		}
	}
	return nil
}
