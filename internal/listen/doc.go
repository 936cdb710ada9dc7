// Package listen opens listening sockets and makes sure that nobody else serves the same address.
//
// A TCP address gets one socket per loop (SO_REUSEPORT); a unix socket exists once and is shared by all loops. Because
// SO_REUSEPORT lets two processes bind one port silently, the first socket of an address is bound without it.
//
// Every error names the address and what was expected. Errors that mean "somebody else serves this" wrap ErrServed.
package listen

import (
	"errors"
	"os"
)

// ErrServed is wrapped when another live process serves the address or the path.
var ErrServed = errors.New("already served by another process")

// Options are the same for all addresses.
type Options struct {
	// Loops is how many descriptors a Listener has.
	Loops int
	// Backlog is the length of the accept queue; the kernel lowers it to net.core.somaxconn.
	Backlog int
	// UnixMode is the access mode of unix sockets; 0 leaves it to the process's umask. Whoever may write may connect.
	UnixMode os.FileMode
}

// controlBacklog is enough for sockets that only workers connect to.
const controlBacklog = 128
