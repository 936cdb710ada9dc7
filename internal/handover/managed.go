package handover

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// managed tells whether a service manager has started this process and wants to hear of it. Gateways are all its children
// then: for the end of a main process that is not, systemd does not wait when it stops the service, but kills it at once.
func managed() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// Outlast waits for the end of the gateway before, at most so long, if a service manager runs both: what is left of a
// service when its main process has ended, systemd kills.
func (s *State) Outlast(limit time.Duration) {
	if s.before >= 0 && managed() {
		end := time.Now().Add(limit)
		waitFor(s.before, &end)
		s.before = -1
	}
}

// waitFor waits until a process has ended or the time has come, and closes the descriptor of the process.
func waitFor(pidfd int, end *time.Time) {
	defer func() { _ = unix.Close(pidfd) }()
	for wait := -1; ; {
		if end != nil {
			wait = int(max(0, time.Until(*end)).Milliseconds())
		}
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, wait); err != unix.EINTR {
			return
		}
	}
}
