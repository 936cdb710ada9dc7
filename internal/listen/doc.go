// Package listen opens listening sockets and makes sure that nobody else serves the same address.
//
// A TCP address gets one socket per loop (SO_REUSEPORT); a unix socket exists once and is shared by all loops. Because
// SO_REUSEPORT lets two processes bind one port silently, the first socket of an address is bound without it.
//
// Every error names the address and what was expected. Errors that mean "somebody else serves this" wrap ErrServed.
package listen

import "errors"

// ErrServed is wrapped when another live process serves the address or the path.
var ErrServed = errors.New("already served by another process")

// backlog is the length of the accept queue; the kernel lowers it to net.core.somaxconn.
const backlog = 4096
