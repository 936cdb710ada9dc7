package control

import (
	"fmt"
	"os"
	"slices"
)

// allowUsers lets in this process's user, root, and the users named.
func allowUsers(users []uint32) func(uint32) bool {
	own := uint32(os.Geteuid())
	return func(uid uint32) bool { return uid == own || uid == 0 || slices.Contains(users, uid) }
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
