package control

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/listen"
)

// bind opens the socket, or takes over the one that was passed.
func bind(config *Config) (*listen.Claim, int, error) {
	if config.Passed == nil {
		return listen.BindControl(config.Path, func(path string) error { return secure(path, config.Users) })
	}
	if config.Passed.Address != config.Path {
		return nil, -1, fmt.Errorf("path %q, expected the one that workers know, %q", config.Path, config.Passed.Address)
	}
	fd := config.Passed.Sockets[0]
	if err := listen.CheckSocket(fd, unix.SOCK_SEQPACKET); err != nil {
		return nil, -1, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	claim, err := listen.TakeClaim(config.Path, config.Passed.Lock)
	return claim, fd, err
}

// Pass describes the socket for another process. give passes a descriptor on and returns its number there.
func (s *Server) Pass(give func(fd int) int) (listen.Passed, error) {
	raw, err := s.listener.SyscallConn()
	if err != nil {
		return listen.Passed{}, err
	}
	p := listen.Passed{Address: s.config.Path, Lock: give(s.claim.Descriptor())}
	// The descriptor stays this server's, and open: Pass and Close are called one after the other.
	err = raw.Control(func(fd uintptr) { p.Sockets = []int{give(int(fd))} })
	return p, err
}

// Pause accepts nobody until Resume: who connects after it has returned waits, or is accepted by another process that has
// the socket. Preconditions: Serve was called, and Close was not.
func (s *Server) Pause() {
	s.mu.Lock()
	if s.resume != nil {
		s.mu.Unlock()
		return
	}
	s.resume, s.resting = make(chan struct{}), make(chan struct{})
	resting := s.resting
	_ = s.listener.SetDeadline(time.Unix(1, 0)) // only fails after Close
	s.mu.Unlock()
	<-resting
}

// Resume accepts again.
func (s *Server) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resume != nil {
		_ = s.listener.SetDeadline(time.Time{}) // only fails after Close
		close(s.resume)
		s.resume = nil
	}
}

// rest waits for the end of a pause.
func (s *Server) rest() {
	s.mu.Lock()
	resume := s.resume
	if resume != nil {
		close(s.resting)
	}
	s.mu.Unlock()
	if resume != nil {
		<-resume
	}
}

// Leave closes the socket here and leaves its path to another process that has it. Conversations go on until Close.
func (s *Server) Leave() {
	s.claim.Disown()
	_ = s.listener.Close()
	s.Resume()
}

// Own makes the path this process's, which Close removes.
func (s *Server) Own() error {
	s.claim.Own()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := takeBack(s.config.Path); err != nil {
		return err
	}
	return secure(s.config.Path, s.config.Users)
}
