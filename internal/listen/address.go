package listen

import (
	"fmt"
	"net"
	"strings"
)

// unixPrefix starts the address of a unix socket.
const unixPrefix = "unix:"

// Expected says in words which addresses Open understands.
const Expected = "HOST:PORT, :PORT, unix:PATH, systemd or systemd:NAME"

// address is a parsed listening address: either path or tcp is set.
type address struct {
	text string
	path string
	tcp  *net.TCPAddr
	// dual is set when no host was given: IPv6 and IPv4 together.
	dual bool
}

// Check tells whether Open understands an address, without opening it, and returns the path of a unix socket.
func Check(text string) (path string, err error) {
	if IsInherited(text) {
		return "", nil
	}
	a, err := parse(text)
	return a.path, err
}

func parse(text string) (address, error) {
	if path, found := strings.CutPrefix(text, unixPrefix); found {
		if err := CheckPath(path); err != nil {
			return address{}, fmt.Errorf("listen on %q: %w", text, err)
		}
		return address{text: text, path: path}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return address{}, fmt.Errorf("listen on %q: not an address, expected %s", text, Expected)
	}
	resolved, err := net.ResolveTCPAddr("tcp", text)
	if err != nil {
		return address{}, fmt.Errorf("listen on %q: %s, expected %s", text, reason(err), Expected)
	}
	return address{text: text, tcp: resolved, dual: host == ""}, nil
}

// reason is the short cause inside a resolver's error, which would otherwise repeat the address.
func reason(err error) string {
	switch err := err.(type) {
	case *net.DNSError:
		if port, found := strings.CutPrefix(err.Name, "tcp/"); found {
			return fmt.Sprintf("port %q is unknown", port)
		}
		return "host " + fmt.Sprintf("%q", err.Name) + " cannot be resolved: " + err.Err
	case *net.AddrError:
		return err.Err
	case *net.OpError:
		return reason(err.Err)
	}
	return err.Error()
}
