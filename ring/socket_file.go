package ring

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// SendFile gives the peer a descriptor of file, with one byte that wakes it. It never blocks: the error is unix.EAGAIN
// if the socket is full, which means that a wake-up is on its way. Descriptors arrive in the order of the calls, so that
// both sides can number them. The caller makes one call at a time.
func (s *Socket) SendFile(file syscall.Conn) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return fmt.Errorf("ring: send file: %w", err)
	}
	var sent error
	err = raw.Control(func(fd uintptr) {
		rights := unix.UnixRights(int(fd))
		if e := s.raw.Control(func(socket uintptr) {
			sent = unix.Sendmsg(int(socket), wakeByte, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		}); e != nil {
			sent = e
		}
	})
	if err == nil {
		err = sent
	}
	if err != nil {
		return fmt.Errorf("ring: send file: %w", err)
	}
	return nil
}

// TakeFiles lets take own each descriptor that the peer sends, in their order; without it they are closed unseen. Call
// it before Wait, and ReceiveFiles when one is due: Wait may leave descriptors in the socket.
func (s *Socket) TakeFiles(take func(fd int)) { s.files = take }

// ReceiveFiles takes what lies in the socket. Any goroutine.
func (s *Socket) ReceiveFiles() error {
	return s.raw.Control(func(fd uintptr) {
		var buffer [256]byte
		for {
			if n, err := s.readFiles(int(fd), buffer[:], unix.MSG_DONTWAIT); err != nil || n == 0 {
				return
			}
		}
	})
}

// read is one read of what the peer sent.
func (s *Socket) read(flags int) (int, error) {
	if s.files != nil {
		return s.readFiles(s.fd, s.buffer[:], flags)
	}
	n, _, err := unix.Recvfrom(s.fd, s.buffer[:], flags)
	return n, err
}

func (s *Socket) readFiles(fd int, buffer []byte, flags int) (int, error) {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	var rights [64]byte
	n, m, _, _, err := unix.Recvmsg(fd, buffer, rights[:], flags|unix.MSG_CMSG_CLOEXEC)
	if err != nil || m == 0 {
		return n, err
	}
	parts, _ := unix.ParseSocketControlMessage(rights[:m])
	for i := range parts {
		fds, _ := unix.ParseUnixRights(&parts[i])
		for _, file := range fds {
			s.files(file)
		}
	}
	return n, err
}
