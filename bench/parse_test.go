package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	// The command name holds a parenthesis and spaces; fields as in proc_pid_stat(5).
	const text = "4242 (a) b (c)) S 17 4242 1 0 -1 4194560 100 0 0 0 30 12 5 3 20 0 7 0 100 1 1"
	got, err := parseStat(text)
	if err != nil {
		t.Fatal(err)
	}
	if want := (stat{parent: 17, cpu: 500 * time.Millisecond}); got != want {
		t.Errorf("got %+v, expected %+v", got, want)
	}
	for _, bad := range []string{"", "1 (x S 1", "1 (x) S 1 2"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestOwnTree(t *testing.T) {
	members, err := tree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := members[os.Getpid()]; !ok {
		t.Error("this process is not in its own tree")
	}
	if _, ok := members[os.Getppid()]; ok {
		t.Error("the parent is in this process's tree")
	}
	if _, err := treeCPU(1 << 30); err == nil {
		t.Error("a process that does not exist has used no time without an error")
	}
}

func TestReadMemory(t *testing.T) {
	m, err := readMemory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.RSS < 1<<20 || m.Anonymous <= 0 || m.Anonymous > m.RSS {
		t.Errorf("implausible memory of this process: %+v", m)
	}
	var value int64
	if err := parseKilobytes([]byte("VmRSS:\t  12 kB\n"), map[string]*int64{"VmRSS:": &value}); err != nil || value != 12<<10 {
		t.Errorf("got %d, %v, expected %d", value, err, 12<<10)
	}
	if err := parseKilobytes([]byte("Name: x\n"), map[string]*int64{"VmRSS:": &value}); err == nil {
		t.Error("a missing line was accepted")
	}
}

func TestParseWrk(t *testing.T) {
	const line = `RESULT {"requests":10,"bytes":1300,"duration_us":1000000,"connect":1,"read":2,"write":3,"status":4,"timeout":5,"p50_us":7,"p99_us":8,"max_us":9}`
	got, err := parseWrk([]byte("Running 1s test\nRequests/sec: 10\n" + line + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 10 || got.errors() != 15 || got.P50 != 7 || got.P99 != 8 {
		t.Errorf("got %+v", got)
	}
	for _, bad := range []string{"", "\nRESULT {", "\nRESULT {}\n"} {
		if _, err := parseWrk([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseTrace(t *testing.T) {
	const before = "gc 1 @0.012s 2%: 0.026+0.39+0.10 ms clock, 0.2+0.3/0.4/0.1+0.8 ms cpu, 4->5->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n"
	const more = "a log line\ngc 2 @0.112s 2%: 0.0+0.3+0.1 ms clock, 0.2+0.3/0.4/0.1+0.8 ms cpu, 4->4->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n"
	early, late := parseTrace(before), parseTrace(before+more)
	if early.cycles != 1 || early.allocated != 5 || early.live != 1 {
		t.Errorf("got %+v", early)
	}
	cycles, size := late.since(early)
	// From 1 MiB live to 4 MiB at the end of cycle 2, then at most from 2 MiB live to the goal of 4 MiB.
	if cycles != 1 || size != 5<<20 {
		t.Errorf("got %d cycles, %.0f bytes, expected 1, %d", cycles, size, 5<<20)
	}
	if cycles, size := early.since(early); cycles != 0 || size != 3<<20 {
		t.Errorf("got %d cycles, %.0f bytes, expected 0, %d", cycles, size, 3<<20)
	}
}

func TestChosen(t *testing.T) {
	name := func(l load) string { return l.Name }
	some, err := chosen(loads, "one,hello", name)
	if err != nil || len(some) != 2 || some[0].Name != "hello" {
		t.Errorf("got %v, %v", some, err)
	}
	if _, err := chosen(loads, "hello,nonsense", name); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("unknown name: %v", err)
	}
}
