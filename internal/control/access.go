package control

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// allowUsers lets in this process's user, root, and the users named.
func allowUsers(users []uint32) func(uint32) bool {
	own := uint32(os.Geteuid())
	return func(uid uint32) bool { return uid == own || uid == 0 || slices.Contains(users, uid) }
}

// allowed tells whether a user may attach workers.
func (s *Server) allowed(uid uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.Allow(uid)
}

// Change puts other limits in force for those who attach from then on. After an error nothing has changed but, perhaps,
// the mode of the socket's file.
func (s *Server) Change(users []uint32, maxWorkers int, memoryLimit int64) error {
	if size := segmentsSize(s.config.Geometry); size > memoryLimit {
		return fmt.Errorf("segments of one worker take %s, the memory limit is %s, expected at least room for one",
			mebibytes(size), mebibytes(memoryLimit))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(users, s.config.Users) {
		// The file may belong to a user who is not among them any more.
		if err := takeBack(s.config.Path); err != nil {
			return err
		}
		if err := secure(s.config.Path, users); err != nil {
			return err
		}
		s.config.Users, s.config.Allow = users, allowUsers(users)
	}
	s.config.MaxWorkers = maxWorkers
	s.memory.setLimit(memoryLimit)
	return nil
}

// takeBack makes the file this process's own again. Where it is already nothing is asked of the kernel: a service manager's
// sandbox may forbid chown(2) altogether.
func takeBack(path string) error {
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		return fmt.Errorf("owner of socket path %q: %w", path, err)
	}
	if own := os.Geteuid(); int(stat.Uid) != own {
		if err := os.Lchown(path, own, -1); err != nil {
			return fmt.Errorf("owner of socket path %q: %w", path, err)
		}
	}
	return nil
}

// secure sets the mode of the socket's file to 0600. Where other users are allowed, the file belongs to that user if
// there is one and this process may give it away; else anybody may connect, and the kernel's word on the peer decides.
func secure(path string, users []uint32) error {
	own := uint32(os.Geteuid())
	var foreign []uint32
	for _, uid := range users {
		if uid != own && uid != 0 && !slices.Contains(foreign, uid) {
			foreign = append(foreign, uid)
		}
	}
	mode := os.FileMode(0o600)
	// Root connects whatever the mode is.
	if len(foreign) > 1 || (len(foreign) == 1 && (own != 0 || os.Lchown(path, int(foreign[0]), -1) != nil)) {
		mode = 0o666
	}
	if err := os.Chmod(path, mode); err != nil {
		return fmt.Errorf("mode of socket path %q: %w", path, err)
	}
	return nil
}
