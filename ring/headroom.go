package ring

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// ErrNoMemory is wrapped by the refusal to create segments that a memory limit has no room for.
var ErrNoMemory = errors.New("ring: not enough memory for the segments")

// headroomMargin stays free beside the segments, for what the processes themselves need.
const headroomMargin = 16 << 20

// checkHeadroom refuses when need bytes more than the limits in force leave: every memory control group (version 2 and
// 1) from ours up to the root, and the machine. root is "/" except in tests. What cannot be read sets no limit.
func checkHeadroom(root string, need uint64) error {
	for line := range strings.Lines(readText(path.Join(root, "proc/self/cgroup"))) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		files := groupFiles{limit: "memory.max", usage: "memory.current", inactive: "inactive_file"}
		base := path.Join(root, "sys/fs/cgroup")
		if parts[0] != "0" {
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
			files = groupFiles{limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes", inactive: "total_inactive_file"}
			base = path.Join(base, "memory")
		}
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			if err := files.check(path.Join(base, at), need); err != nil {
				return err
			}
			if at == "/" {
				break
			}
		}
	}
	for line := range strings.Lines(readText(path.Join(root, "proc/meminfo"))) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "MemAvailable:" {
			continue
		}
		if kib, err := strconv.ParseUint(fields[1], 10, 53); err == nil && kib<<10 < need+headroomMargin {
			return fmt.Errorf("%w: they need %d bytes and %d to spare, MemAvailable is %d", ErrNoMemory, need, headroomMargin, kib<<10)
		}
	}
	return nil
}

// groupFiles names the files of a memory control group.
type groupFiles struct {
	limit, usage, inactive string
}

func (files groupFiles) check(dir string, need uint64) error {
	limit, ok := readNumber(path.Join(dir, files.limit))
	if !ok || limit >= math.MaxInt64/2 { // version 1 says "no limit" with a huge number
		return nil
	}
	usage, ok := readNumber(path.Join(dir, files.usage))
	if !ok {
		return nil
	}
	// The page cache that nobody used lately is given up before the limit hurts.
	for line := range strings.Lines(readText(path.Join(dir, "memory.stat"))) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseUint(value, 10, 63); name == files.inactive && err == nil {
			usage -= min(usage, n)
		}
	}
	if usage+need+headroomMargin > limit {
		return fmt.Errorf("%w: they need %d bytes and %d to spare, %s has %d of %d in use",
			ErrNoMemory, need, headroomMargin, dir, usage, limit)
	}
	return nil
}

func readText(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}

func readNumber(name string) (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(readText(name)), 10, 64)
	return n, err == nil
}
