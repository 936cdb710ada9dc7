package control

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// credentials is what the kernel says about a peer.
type credentials struct {
	pid int // 0 if the process is not visible from here
	uid uint32
	// process is a pidfd, or -1: unlike a number it cannot come to mean another process.
	process int
}

func peerCredentials(conn *net.UnixConn) (credentials, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return credentials{}, err
	}
	result := credentials{process: -1}
	var ucred *unix.Ucred
	var credentialsErr error
	err = raw.Control(func(fd uintptr) {
		ucred, credentialsErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if credentialsErr != nil {
			return
		}
		if process, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PEERPIDFD); err == nil {
			result.process = process
		} else if ucred.Pid > 0 {
			// A kernel before 6.5. The peer holds its socket open, so its number is very likely still its own.
			if process, err := unix.PidfdOpen(int(ucred.Pid), 0); err == nil {
				result.process = process
			}
		}
	})
	if err = errors.Join(err, credentialsErr); err != nil {
		return credentials{}, fmt.Errorf("peer credentials: %w", err)
	}
	result.pid, result.uid = int(ucred.Pid), ucred.Uid
	return result, nil
}

// kill ends the process. It never ends this one, which is its own worker in tests.
func (c *credentials) kill() error {
	if c.process < 0 || c.pid <= 0 || c.pid == os.Getpid() {
		return fmt.Errorf("process %d of the worker cannot be reached from here", c.pid)
	}
	if err := unix.PidfdSendSignal(c.process, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill worker process %d: %w", c.pid, err)
	}
	return nil
}

func (c *credentials) close() {
	if c.process >= 0 {
		_ = unix.Close(c.process)
		c.process = -1
	}
}
