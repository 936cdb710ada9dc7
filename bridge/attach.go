package bridge

import (
	"errors"
	"fmt"
	"os"

	"ringway/ring"
)

// attach says hello and takes over what the gateway gives. beside are the gateways that the worker is attached to already.
func (w *worker) attach(c *control, beside []int) (*attachment, error) {
	err := c.send(message{
		Type: typeHello, Protocol: protocolVersion, Layout: ring.LayoutVersion, Features: ring.Features,
		Release: w.opts.release, PID: os.Getpid(), Program: program(), Crew: crew(),
		Reattach: true, Beside: beside,
	})
	if err != nil {
		return nil, err
	}
	m, fds, err := c.receive()
	if err != nil {
		return nil, err
	}
	switch m.Type {
	case typeAttach:
		return w.takeOver(m, fds)
	case typeRefuse:
		closeAll(fds)
		return nil, fmt.Errorf("%w: %w: %s", errFatal, ErrRefused, m.Error)
	}
	closeAll(fds)
	return nil, fmt.Errorf("bridge: the gateway sent %q, want %q", m.Type, typeAttach)
}

// takeOver maps the segments and makes a lane for each wake-up socket. It owns all descriptors.
func (w *worker) takeOver(m message, fds []int) (*attachment, error) {
	if len(fds) != 2+m.Lanes {
		closeAll(fds)
		return nil, fmt.Errorf("bridge: attach with %d descriptors for %d lanes, want %d", len(fds), m.Lanes, 2+m.Lanes)
	}
	inbound, outbound := os.NewFile(uintptr(fds[0]), "inbound"), os.NewFile(uintptr(fds[1]), "outbound")
	segments, err := ring.OpenSegments(inbound, outbound)
	err = errors.Join(err, inbound.Close(), outbound.Close())
	if err == nil && segments.Geometry.Lanes != m.Lanes {
		err = fmt.Errorf("bridge: the segments have %d lanes, attach says %d", segments.Geometry.Lanes, m.Lanes)
	}
	if err != nil {
		closeAll(fds[2:])
		if segments != nil {
			err = errors.Join(err, segments.Close())
		}
		if errors.Is(err, ring.ErrLayout) {
			err = fmt.Errorf("%w: %w", errFatal, err)
		}
		return nil, err
	}
	att := newAttachment(w)
	att.segments, att.number, att.gateway, att.addresses = segments, m.WorkerID, m.GatewayPID, m.Addresses
	att.reasons = m.Reason
	for i, fd := range fds[2:] {
		socket, err := ring.NewSocket(fd)
		if err != nil {
			closeAll(fds[2+i+1:])
			att.fail(err)
			return nil, err
		}
		att.add(segments.Lane(i), socket, m.Lanes)
	}
	return att, nil
}
