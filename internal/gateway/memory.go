package gateway

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// residentSet is the resident memory of a process in bytes, shared memory included: the second number of
// /proc/PID/statm, in pages.
func residentSet(pid int) (int64, error) {
	name := fmt.Sprintf("/proc/%d/statm", pid)
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("%s is %q, expected several numbers", name, text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %q, expected pages as its second number", name, text)
	}
	return pages * int64(os.Getpagesize()), nil
}
