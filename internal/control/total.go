package control

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"
)

// MemoryTotal returns the bytes of memory that this process may use at all: of the host, or of the smallest memory
// cgroup (version 2) above it.
func MemoryTotal() (int64, error) { return memoryTotal("/") }

func memoryTotal(root string) (int64, error) {
	total, err := hostMemory(path.Join(root, "proc/meminfo"))
	if err != nil {
		return 0, err
	}
	group, found := ownCgroup(path.Join(root, "proc/self/cgroup"))
	for found {
		// "max" is no number, and sets no limit.
		content, _ := os.ReadFile(path.Join(root, "sys/fs/cgroup", group, "memory.max"))
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64); err == nil {
			total = min(total, limit)
		}
		if group == "/" {
			break
		}
		group = path.Dir(group)
	}
	return total, nil
}

func hostMemory(name string) (int64, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if rest, found := strings.CutPrefix(line, "MemTotal:"); found {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("no MemTotal in " + name)
}

func ownCgroup(name string) (string, bool) {
	content, _ := os.ReadFile(name)
	for line := range strings.Lines(string(content)) {
		if group, found := strings.CutPrefix(strings.TrimSpace(line), "0::"); found {
			return path.Clean("/" + group), true
		}
	}
	return "", false
}
