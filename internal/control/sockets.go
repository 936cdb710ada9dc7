package control

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// socketPairs makes the wake-up socket pairs of a worker: the gateway's ends and the worker's.
func socketPairs(lanes int) (gateway, worker []int, err error) {
	for lane := range lanes {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			closeAll(gateway)
			closeAll(worker)
			return nil, nil, fmt.Errorf("wake-up sockets of lane %d: %w", lane, err)
		}
		gateway = append(gateway, pair[0])
		worker = append(worker, pair[1])
	}
	return gateway, worker, nil
}

func closeAll(descriptors []int) {
	for _, fd := range descriptors {
		_ = unix.Close(fd)
	}
}
