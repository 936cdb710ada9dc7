package listen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxPath is the longest path of a unix socket: sun_path less its terminating NUL.
const maxPath = 107

// Claim is the exclusive right to serve a socket path. It is held by a lock on PATH.lock, which the kernel drops with
// the process, so that two gateways that start together cannot both take the file of a dead one for theirs.
type Claim struct {
	path string
	lock *os.File
	lent bool // another process has it too, and is to keep it
}

// CheckPath tells whether path can be the path of a unix socket at all.
func CheckPath(path string) error {
	switch {
	case path == "":
		return errors.New("the socket path is empty, expected a file name")
	case path[0] == '@':
		return fmt.Errorf("socket path %q: abstract sockets have no access mode, expected a file name", path)
	case len(path) > maxPath:
		return fmt.Errorf("socket path %q has %d bytes, expected at most %d", path, len(path), maxPath)
	}
	return nil
}

// ClaimPath makes path free to be bound: what a dead process left there is removed. It fails with ErrServed if a live
// process serves it, and never removes anything but a socket.
func ClaimPath(path string) (*Claim, error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	claim := &Claim{path: path, lock: lock}
	if err := removeStale(path); err != nil {
		claim.releaseLock()
		return nil, err
	}
	return claim, nil
}

// Descriptor is that of the lock, which another process may get too.
func (c *Claim) Descriptor() int { return int(c.lock.Fd()) }

// TakeClaim takes over the lock of a claim that another process has on path. It belongs to that process until Own.
func TakeClaim(path string, lock int) (*Claim, error) {
	if err := CheckPath(path); err != nil {
		return nil, err
	}
	c := &Claim{path: path, lock: os.NewFile(uintptr(lock), path+".lock"), lent: true}
	held, err := c.lock.Stat()
	if err != nil {
		return nil, pathError(path, err)
	}
	named, err := os.Stat(c.lock.Name())
	if err != nil || !os.SameFile(held, named) {
		return nil, fmt.Errorf("socket path %q: descriptor %d is not that of its lock file, expected it", path, lock)
	}
	// Granted at once to whoever holds it already.
	if err := unix.Flock(lock, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("socket path %q is %w, expected the lock to be held", path, ErrServed)
	}
	return c, nil
}

// Own makes this process the one that Release removes the path for, Disown leaves that to another one.
func (c *Claim) Own() { c.lent = false }

// Disown is the opposite of Own.
func (c *Claim) Disown() { c.lent = true }

// Release removes the socket and its lock file, unless another process has them.
func (c *Claim) Release() {
	if c.lent {
		_ = c.lock.Close()
		return
	}
	_ = os.Remove(c.path)
	c.releaseLock()
}

// releaseLock removes the lock file before it lets go, so that nobody can hold a lock on a file that has lost its name
// without noticing (see lockFile).
func (c *Claim) releaseLock() {
	_ = os.Remove(c.lock.Name())
	_ = c.lock.Close()
}

func lockFile(path string) (*os.File, error) {
	name := path + ".lock"
	for {
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, pathError(path, err)
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			_ = file.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, fmt.Errorf("socket path %q is %w, expected a path that no live gateway uses", path, ErrServed)
			}
			return nil, pathError(path, err)
		}
		locked, err := file.Stat()
		if err == nil {
			if named, statErr := os.Stat(name); statErr == nil && os.SameFile(locked, named) {
				return file, nil
			}
		}
		// The former owner removed the file between open and lock.
		_ = file.Close()
	}
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pathError(path, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("socket path %q exists and is no socket, expected a free path", path)
	}
	live, err := served(path)
	if err != nil {
		return pathError(path, err)
	}
	if live {
		return fmt.Errorf("socket path %q is %w, expected a path that no live process serves", path, ErrServed)
	}
	if err := os.Remove(path); err != nil {
		return pathError(path, err)
	}
	return nil
}

// served tells whether a live process listens at path. Only a refused connection proves that none does.
func served(path string) (bool, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return false, os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(fd) }()
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return false, nil
	case err == nil, errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINPROGRESS), errors.Is(err, unix.EPROTOTYPE):
		// EPROTOTYPE: a socket of another type is alive there.
		return true, nil
	}
	return false, os.NewSyscallError("connect", err)
}

// pathError names the path and says what is wrong with it in the operator's terms.
func pathError(path string, err error) error {
	var named *fs.PathError
	if errors.As(err, &named) {
		err = named.Err
	}
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("socket path %q: %w, expected the existing directory %q", path, err, filepath.Dir(path))
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM), errors.Is(err, unix.EROFS):
		return fmt.Errorf("socket path %q: %w, expected a directory that this user may write", path, err)
	}
	return fmt.Errorf("socket path %q: %w", path, err)
}
