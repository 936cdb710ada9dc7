package gateway

import (
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Harden prepares the process: its memory is closed to others of the same user (a worker could otherwise write it
// through /proc), writing to a closed connection is an error instead of a signal, and it may open as many descriptors
// as the administrator allows at all.
func Harden() error {
	signal.Ignore(syscall.SIGPIPE)
	var errs []error
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		errs = append(errs, fmt.Errorf("prctl PR_SET_DUMPABLE: %w", err))
	}
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	if err == nil {
		limit.Cur = limit.Max
		err = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	}
	if err != nil {
		errs = append(errs, fmt.Errorf("raise RLIMIT_NOFILE to %d: %w", limit.Max, err))
	}
	return errors.Join(errs...)
}
