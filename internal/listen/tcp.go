package listen

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

func openTCP(parsed address, options Options) (*Listener, error) {
	first, bound, err := bindFirst(parsed)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", parsed.text, explain(err, parsed.tcp.Port))
	}
	descriptors := []int{first}
	for range options.Loops - 1 {
		fd, err := bindTCP(bound, parsed.dual, true)
		if err != nil {
			closeAll(descriptors)
			return nil, fmt.Errorf("listen on %q: %w", parsed.text, explain(err, bound.Port))
		}
		descriptors = append(descriptors, fd)
	}
	for _, fd := range descriptors {
		if err := unix.Listen(fd, options.Backlog); err != nil {
			closeAll(descriptors)
			return nil, fmt.Errorf("listen on %q: %w", parsed.text, explain(err, bound.Port))
		}
	}
	return &Listener{URL: "http://" + bound.String(), address: parsed.text, descriptors: descriptors}, nil
}

// bindFirst binds without SO_REUSEPORT, so that a port which anybody else serves is refused, and then lets the sockets
// of the other loops in: the kernel looks at the option of both sockets at the time of the later bind.
func bindFirst(parsed address) (int, *net.TCPAddr, error) {
	fd, err := bindTCP(parsed.tcp, parsed.dual, false)
	if err != nil && parsed.dual && (errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)) {
		// No IPv6 on this host.
		fd, err = bindTCP(&net.TCPAddr{IP: net.IPv4zero, Port: parsed.tcp.Port}, false, false)
	}
	if err != nil {
		return -1, nil, err
	}
	bound, err := boundAddress(fd, parsed.tcp.Zone)
	if err == nil {
		err = os.NewSyscallError("setsockopt SO_REUSEPORT", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, nil, err
	}
	return fd, bound, nil
}

func bindTCP(addr *net.TCPAddr, dual, shared bool) (int, error) {
	family, target, err := socketAddress(addr, dual)
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	options := []struct {
		use                bool
		level, name, value int
	}{
		{true, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1},
		{shared, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1},
		{family == unix.AF_INET6 && dual, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0},
		{family == unix.AF_INET6 && !dual, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
	}
	for _, option := range options {
		if !option.use {
			continue
		}
		if err := unix.SetsockoptInt(fd, option.level, option.name, option.value); err != nil {
			_ = unix.Close(fd)
			return -1, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, target); err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}

func socketAddress(addr *net.TCPAddr, dual bool) (int, unix.Sockaddr, error) {
	if ip := addr.IP.To4(); ip != nil {
		target := &unix.SockaddrInet4{Port: addr.Port}
		copy(target.Addr[:], ip)
		return unix.AF_INET, target, nil
	}
	target := &unix.SockaddrInet6{Port: addr.Port}
	copy(target.Addr[:], addr.IP.To16())
	if addr.Zone != "" {
		zone, err := zoneIndex(addr.Zone)
		if err != nil {
			return 0, nil, err
		}
		target.ZoneId = zone
	}
	if addr.IP == nil && !dual {
		return 0, nil, fmt.Errorf("no address for %s", addr)
	}
	return unix.AF_INET6, target, nil
}

func zoneIndex(zone string) (uint32, error) {
	if named, err := net.InterfaceByName(zone); err == nil {
		return uint32(named.Index), nil
	}
	index, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("zone %q is not a network interface", zone)
	}
	return uint32(index), nil
}

func boundAddress(fd int, zone string) (*net.TCPAddr, error) {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: name.Addr[:], Port: name.Port}, nil
	case *unix.SockaddrInet6:
		return &net.TCPAddr{IP: name.Addr[:], Port: name.Port, Zone: zone}, nil
	}
	return nil, fmt.Errorf("a socket bound to %T, expected TCP", name)
}

// explain turns the kernel's answer into what the operator has to change.
func explain(err error, port int) error {
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return fmt.Errorf("port %d is %w, expected a free port", port, ErrServed)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("the address does not belong to this host (%w), expected a local address", err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("port %d may not be used (%w), expected a port above 1023 or CAP_NET_BIND_SERVICE", port, err)
	}
	return err
}
