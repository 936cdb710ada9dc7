package admin

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"ringway/internal/listen"
)

// TakeOver is Open with the listener that was passed to this process for the same address.
func TakeOver(options Options, passed listen.Passed, host Host, log *slog.Logger) (*Server, error) {
	fd := passed.Sockets[0]
	if err := listen.CheckSocket(fd, unix.SOCK_STREAM); err != nil {
		return nil, fmt.Errorf("admin address %q: descriptor %d: %w", passed.Address, fd, err)
	}
	file := os.NewFile(uintptr(fd), passed.Address)
	listener, err := net.FileListener(file)
	_ = file.Close()
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w", passed.Address, err)
	}
	s, err := newServer(options, listener, host, log)
	if err != nil {
		_ = listener.Close()
	}
	return s, err
}

// Pass describes the listener for another process. give passes a descriptor on and returns its number there.
func (s *Server) Pass(give func(fd int) int) (listen.Passed, error) {
	p := listen.Passed{Address: s.options.Address, URL: s.URL()}
	connection, ok := s.listener.(syscall.Conn)
	if !ok {
		return p, fmt.Errorf("admin address %q: %T has no descriptor", s.options.Address, s.listener)
	}
	raw, err := connection.SyscallConn()
	if err != nil {
		return p, err
	}
	// The descriptor stays this server's, and open: Pass and Close are called one after the other.
	err = raw.Control(func(fd uintptr) { p.Sockets = []int{give(int(fd))} })
	return p, err
}

// Own makes the path of a unix socket that was passed to this process its own, which Close removes. Disown is the opposite.
func (s *Server) Own() { s.unlinkOnClose(true) }

// Disown leaves the path of a unix socket to another process that has it.
func (s *Server) Disown() { s.unlinkOnClose(false) }

func (s *Server) unlinkOnClose(unlink bool) {
	if listener, ok := s.listener.(*net.UnixListener); ok {
		listener.SetUnlinkOnClose(unlink)
	}
}
