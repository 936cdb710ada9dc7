package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// settings tell on what and how the figures were taken.
type settings struct {
	Date      string            `json:"date"`
	Commit    string            `json:"commit"`
	Command   string            `json:"command"`
	Machine   string            `json:"machine"`
	CPUs      int               `json:"cpus"`
	MemoryGiB int               `json:"memory_gib"`
	Kernel    string            `json:"kernel"`
	System    string            `json:"system"`
	Load      string            `json:"load_average_at_start"`
	Versions  map[string]string `json:"versions"`
	Rounds    int               `json:"rounds"`
	Seconds   float64           `json:"seconds_per_run"`
	Pinned    string            `json:"pinned"`
}

func (b *bench) settings() settings {
	s := settings{
		Date: time.Now().UTC().Format(time.RFC3339), Commit: b.commit(),
		Command: "bench " + strings.Join(os.Args[1:], " "), CPUs: runtime.NumCPU(),
		Machine: field("/proc/cpuinfo", `(?m)^model name\s*:\s*(.+)$`), Kernel: field("/proc/sys/kernel/osrelease", `(.+)`),
		System: field("/etc/os-release", `(?m)^PRETTY_NAME="(.+)"$`), Load: field("/proc/loadavg", `(\S+ \S+ \S+)`),
		Rounds: b.rounds, Seconds: b.duration.Seconds(), Pinned: "none",
		Versions: map[string]string{
			"go": runtime.Version(), "wrk": version(`wrk (\S+)`, "wrk", "-v"),
			"nginx":   version(`nginx/(\S+)`, command("nginx"), "-v"),
			"haproxy": version(`version (\S+)`, command("haproxy"), "-v"),
			"libuv":   version(`(\S+)`, "pkg-config", "--modversion", "libuv"),
			"gcc":     version(`(\S+)\n`, "gcc", "-dumpfullversion"),
		},
	}
	if virtual := field("/proc/cpuinfo", `(?m)^flags\s*:.*\b(hypervisor)\b`); virtual != "" {
		s.Machine += " (virtual machine)"
	}
	if b.serverCPUs+b.clientCPUs != "" {
		s.Pinned = "servers to " + b.serverCPUs + ", wrk to " + b.clientCPUs
	}
	var total int64
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if parseKilobytes(text, map[string]*int64{"MemTotal:": &total}) == nil {
			s.MemoryGiB = int((total + 1<<29) >> 30)
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "gonum.org/v1/plot" {
				s.Versions["gonum/plot"] = module.Version
			}
		}
	}
	s.Versions["tableflip"] = field(filepath.Join(b.root, "bench/go.mod"), `cloudflare/tableflip (\S+)`)
	s.Versions["fasthttp"] = field(filepath.Join(b.root, "bench/go.mod"), `valyala/fasthttp (\S+)`)
	return s
}

// field returns the first group of pattern in a file, or nothing.
func field(file, pattern string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return first(pattern, string(text))
}

// version returns the first group of pattern in what a command prints; some print their version and exit with 1.
func version(pattern, name string, arguments ...string) string {
	output, _ := exec.Command(name, arguments...).CombinedOutput()
	return first(pattern, string(output))
}

func first(pattern, text string) string {
	if match := regexp.MustCompile(pattern).FindStringSubmatch(text); match != nil {
		return match[1]
	}
	return ""
}
