package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of utime and stime in /proc/PID/stat: USER_HZ is 100 on every Linux platform that Go runs on.
const clockTick = 10 * time.Millisecond

// stat is what this program needs of /proc/PID/stat.
type stat struct {
	parent int
	cpu    time.Duration // utime + stime, and those of reaped children
}

// parseStat reads the text of /proc/PID/stat. The command name, second field, may contain anything, so the fields are
// counted from its last closing parenthesis.
func parseStat(text string) (stat, error) {
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("no command name in %q", text)
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("%d fields after the command name, expected at least 15", len(fields))
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return stat{}, err
	}
	var ticks int64
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		value, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return stat{}, err
		}
		ticks += value
	}
	return stat{parent: parent, cpu: time.Duration(ticks) * clockTick}, nil
}

// tree returns the pids of roots and of all their descendants, with their statistics.
func tree(roots ...int) (map[int]stat, error) {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := make(map[int]stat, len(names))
	children := map[int][]int{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // ended meanwhile
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			return nil, err
		}
		s, err := parseStat(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[pid] = s
		children[s.parent] = append(children[s.parent], pid)
	}
	found := map[int]stat{}
	queue := append([]int(nil), roots...)
	for len(queue) > 0 {
		pid := queue[0]
		queue = queue[1:]
		if s, ok := all[pid]; ok {
			found[pid] = s
			queue = append(queue, children[pid]...)
		}
	}
	return found, nil
}

// treeCPU returns the processor time that roots and their descendants have used.
func treeCPU(roots ...int) (time.Duration, error) {
	members, err := tree(roots...)
	if err != nil {
		return 0, err
	}
	for _, root := range roots {
		if _, ok := members[root]; !ok {
			return 0, fmt.Errorf("process %d is gone", root)
		}
	}
	var sum time.Duration
	for _, s := range members {
		sum += s.cpu
	}
	return sum, nil
}

// memory is a process's resident memory in bytes. PSS is 0 where the kernel does not let us read it: the gateway makes
// itself non-dumpable, then only root may.
type memory struct {
	RSS       int64 `json:"rss"`
	Anonymous int64 `json:"anonymous"`
	Shared    int64 `json:"shared"` // pages of shared memory, the segments among them
	PSS       int64 `json:"pss"`
}

func readMemory(pid int) (memory, error) {
	var m memory
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, err
	}
	err = parseKilobytes(text, map[string]*int64{"VmRSS:": &m.RSS, "RssAnon:": &m.Anonymous, "RssShmem:": &m.Shared})
	if err != nil {
		return m, err
	}
	if text, err = os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err == nil {
		err = parseKilobytes(text, map[string]*int64{"Pss:": &m.PSS})
	} else if errors.Is(err, fs.ErrPermission) {
		err = nil
	}
	return m, err
}

// parseKilobytes stores the values of lines such as `VmRSS: 120 kB`, in bytes; each wanted name must be there.
func parseKilobytes(text []byte, wanted map[string]*int64) error {
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) != 3 || fields[2] != "kB" || wanted[fields[0]] == nil {
			continue
		}
		kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return err
		}
		*wanted[fields[0]] = kilobytes << 10
		delete(wanted, fields[0])
	}
	for name := range wanted {
		return fmt.Errorf("no line %s", name)
	}
	return nil
}

// descriptors counts a process's open files; -1 where that may not be known.
func descriptors(pid int) int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return -1
	}
	return len(entries)
}

// free reports whether nothing listens on a TCP address. A listener that sets SO_REUSEPORT could be bound beside
// another one without an error, hence the connect.
func free(address string) bool {
	connection, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		connection.Close()
		return false
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
