package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"ringway/internal/gateway"
)

// users returns who else may attach workers, and the credential to start workers with (nil for the own).
func (o *options) users() ([]uint32, *syscall.Credential, error) {
	var users []uint32
	for _, name := range o.socketUsers {
		credential, err := lookup("socket-user", name)
		if err != nil {
			return nil, nil, err
		}
		users = append(users, credential.Uid)
	}
	if o.workerUser == "" {
		return users, nil, nil
	}
	credential, err := lookup("worker-user", o.workerUser)
	if err != nil {
		return nil, nil, err
	}
	own := uint32(os.Geteuid())
	if credential.Uid == own {
		return users, nil, nil
	}
	if own != 0 {
		return nil, nil, badInput("--worker-user %q cannot be switched to by user %d, expected a gateway that runs as root", o.workerUser, own)
	}
	if !slices.Contains(users, credential.Uid) {
		users = append(users, credential.Uid)
	}
	return users, credential, nil
}

// lookup finds a user by name or number. A number needs no entry in the user database.
func lookup(flag, name string) (*syscall.Credential, error) {
	found, err := user.Lookup(name)
	if err != nil {
		found, err = user.LookupId(name)
	}
	if err != nil {
		if id, numberErr := strconv.ParseUint(name, 10, 32); numberErr == nil && uint32(id) != ^uint32(0) {
			return &syscall.Credential{Uid: uint32(id), Gid: uint32(id)}, nil
		}
		return nil, badInput("--%s %q is unknown, expected the name or number of a user", flag, name)
	}
	uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return nil, badInput("--%s %q has user %q and group %q, expected numbers", flag, name, found.Uid, found.Gid)
	}
	credential := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	groups, _ := found.GroupIds() // without them the worker has its primary group only
	for _, group := range groups {
		if id, err := strconv.ParseUint(group, 10, 32); err == nil {
			credential.Groups = append(credential.Groups, uint32(id))
		}
	}
	return credential, nil
}

// program is what to start as workers, nil if nothing.
func (o *options) program(credential *syscall.Credential) (*gateway.Program, error) {
	if o.worker == "" {
		return nil, nil
	}
	path := o.worker
	if !strings.ContainsRune(path, filepath.Separator) {
		found, err := exec.LookPath(path)
		if err != nil {
			return nil, badInput("--worker %q is not in PATH, expected an executable", path)
		}
		path = found
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, badInput("--worker %q: %w", o.worker, err)
	}
	return &gateway.Program{Argv: append([]string{path}, o.workerArgs...), Count: o.workers, Credential: credential}, nil
}

// defaultSocket is a path that only this user can write to, and the mode of its directory, which makeDirectory makes.
// Other users, if there are any, must be able to reach it.
func defaultSocket(others bool) (string, os.FileMode) {
	const name = "control.sock" // as bridge.DefaultSocket
	mode := os.FileMode(0o700)
	if others {
		mode = 0o755
	}
	directory := "/run/ringway"
	if runtimeDir := os.Getenv("XDG_RUNTIME_DIR"); runtimeDir != "" && !others {
		directory = filepath.Join(runtimeDir, "ringway")
	} else if !usable(directory) {
		directory = filepath.Join(os.TempDir(), "ringway-"+strconv.Itoa(os.Geteuid()))
	}
	return filepath.Join(directory, name), mode
}

// usable tells whether a directory is this user's own, or can be made.
func usable(directory string) bool {
	err := checkOwn(directory)
	if errors.Is(err, fs.ErrNotExist) {
		return unix.Access(filepath.Dir(directory), unix.W_OK|unix.X_OK) == nil
	}
	return err == nil
}

// makeDirectory makes the directory, unless it exists, and checks that nobody else can write to it.
func makeDirectory(directory string, mode os.FileMode) error {
	err := os.Mkdir(directory, mode)
	if err == nil {
		err = os.Chmod(directory, mode)
	} else if os.IsExist(err) {
		err = nil
	}
	if err == nil {
		err = checkOwn(directory)
	}
	if err != nil {
		return badInput("no directory for the control socket (%w), expected --socket PATH", err)
	}
	return nil
}

// checkOwn tells whether nobody but this user can write to a directory.
func checkOwn(directory string) error {
	info, err := os.Lstat(directory)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || stat.Uid != uint32(os.Geteuid()) || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("directory %q is not this user's own", directory)
	}
	return nil
}
