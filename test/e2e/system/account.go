package system

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// Holdings are what a gateway and its workers hold while nothing is going on.
type Holdings struct {
	Heap      int64                // bytes that the gateway's C half has from malloc, its free lists included
	Processes map[int]ProcessUsage // by process id; the gateway and each worker
}

// ProcessUsage is what one process holds.
type ProcessUsage struct {
	Descriptors []string // what they refer to, sorted; nil where the kernel does not tell
	Private     int64    // bytes of memory that nobody else has
	Shared      int64    // bytes of shared memory, the segments among them
	Self        *SelfTold
}

// SelfTold is what a worker says of itself, if it does so.
type SelfTold struct {
	Goroutines int   `json:"goroutines"`
	Heap       int64 `json:"heap"` // bytes of reachable objects
}

// Allowance is by how much holdings may grow before that is called a leak.
type Allowance struct {
	Heap       int64 // bytes of the gateway's C half
	Private    int64 // bytes of each process: Go's collector and malloc do not give everything back at once
	Worker     int64 // bytes of a worker's reachable objects
	Goroutines int64 // of a worker: a lane keeps some readers without work
}

// DefaultAllowance is far below what a leak at each connection would come to. Free lists grow by some connections or items
// when more of them are in use at a time than ever before.
var DefaultAllowance = Allowance{Heap: 256 << 10, Private: 16 << 20, Worker: 1 << 20, Goroutines: 24}

// FirstUse is what may be held after the first use beyond what a gateway and a worker that have served nothing hold.
var FirstUse = Allowance{Heap: 8 << 20, Private: 64 << 20, Worker: 16 << 20, Goroutines: 64}

// Holdings waits until nothing is in flight, parked, held aside or connected, and takes stock.
func (g *Gateway) Holdings() Holdings {
	g.t.Helper()
	g.WaitNoConnections()
	g.WaitIdle()
	s := g.Stats()
	h := Holdings{Heap: int64(s.Gateway.HeapBytes), Processes: map[int]ProcessUsage{g.Pid(): g.usage(g.Pid())}}
	for _, w := range s.Workers {
		told := g.self(w.Pid)
		usage := g.usage(w.Pid)
		usage.Self = told
		h.Processes[w.Pid] = usage
	}
	if g.selfPath != "" { // asking was a request of its own
		g.WaitNoConnections()
		g.WaitIdle()
	}
	return h
}

// ExpectHoldings fails the test unless the holdings become what they were, give or take the allowance. A worker that was
// not there before fails it too: nothing that a client does may end one.
func (g *Gateway) ExpectHoldings(before Holdings, allowed Allowance) {
	g.t.Helper()
	deadline := time.Now().Add(Patience)
	for {
		now := g.Holdings()
		more := now.beyond(before, allowed)
		if len(more) == 0 {
			g.t.Logf("held before: %v; now: %v", before, now)
			return
		}
		if time.Now().After(deadline) {
			g.t.Errorf("held beyond what was held before: %s", strings.Join(more, "; "))
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (h Holdings) beyond(before Holdings, allowed Allowance) []string {
	var more []string
	note := func(what string, was, is, allowed int64) {
		if is > was+allowed {
			more = append(more, fmt.Sprintf("%s: %d, was %d", what, is, was))
		}
	}
	note("heap of the gateway", before.Heap, h.Heap, allowed.Heap)
	for pid, is := range h.Processes {
		was, found := before.Processes[pid]
		if !found {
			more = append(more, fmt.Sprintf("process %d is new", pid))
			continue
		}
		if len(is.Descriptors) > len(was.Descriptors) {
			more = append(more, fmt.Sprintf("descriptors of process %d: %q, were %q", pid, is.Descriptors, was.Descriptors))
		}
		note(fmt.Sprintf("private memory of process %d", pid), was.Private, is.Private, allowed.Private)
		if was.Self != nil && is.Self != nil {
			note(fmt.Sprintf("goroutines of process %d", pid), int64(was.Self.Goroutines), int64(is.Self.Goroutines), allowed.Goroutines)
			note(fmt.Sprintf("reachable memory of process %d", pid), was.Self.Heap, is.Self.Heap, allowed.Worker)
		}
	}
	return more
}

func (h Holdings) String() string {
	text := fmt.Sprintf("C heap %d KiB", h.Heap>>10)
	for _, pid := range slices.Sorted(maps.Keys(h.Processes)) {
		p := h.Processes[pid]
		text += fmt.Sprintf("; %d: %d descriptors, %d KiB private, %d KiB shared", pid, len(p.Descriptors), p.Private>>10, p.Shared>>10)
		if p.Self != nil {
			text += fmt.Sprintf(", %d goroutines, %d KiB reachable", p.Self.Goroutines, p.Self.Heap>>10)
		}
	}
	return text
}

func (g *Gateway) usage(pid int) ProcessUsage {
	g.t.Helper()
	var u ProcessUsage
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		g.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kib); err == nil {
			u.Private = kib << 10
		}
		if _, err := fmt.Sscanf(line, "RssShmem: %d kB", &kib); err == nil {
			u.Shared = kib << 10
		}
	}
	directory := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrPermission) {
		return u // the gateway is not dumpable: only root may look
	}
	if err != nil {
		g.t.Fatal(err)
	}
	for _, entry := range entries {
		if target, err := os.Readlink(directory + "/" + entry.Name()); err == nil {
			u.Descriptors = append(u.Descriptors, target)
		}
	}
	slices.Sort(u.Descriptors)
	return u
}

// self asks workers what they hold until the one in question answers; nil if they do not tell.
func (g *Gateway) self(pid int) *SelfTold {
	g.t.Helper()
	if g.selfPath == "" {
		return nil
	}
	for range 1000 {
		answer, err := once.Get(g.URL(g.selfPath))
		if err != nil {
			g.t.Fatal(err)
		}
		var told struct {
			Pid int `json:"pid"`
			SelfTold
		}
		err = json.NewDecoder(answer.Body).Decode(&told)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			g.t.Fatalf("%s: %s, %v", g.selfPath, answer.Status, err)
		}
		if told.Pid == pid {
			return &told.SelfTold
		}
	}
	g.t.Fatalf("worker %d answers none of 1000 requests", pid)
	return nil
}

// once is for requests that leave no connection behind.
var once = &http.Client{Timeout: Patience, Transport: &http.Transport{DisableKeepAlives: true}}
