package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// errStrange is an answer that is none of HTTP, or not the route's.
var errStrange = errors.New("strange answer")

// look asks the kernel for a byte without taking it.
func (c *client) look(descriptor uintptr) bool {
	var one [1]byte
	n, _, err := syscall.Recvfrom(int(descriptor), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case err == nil && n == 0:
		c.idle = io.EOF
	case err == nil:
		c.idle = errStrange
	default:
		c.idle = err
	}
	return true
}

// open tells whether a connection that nothing was asked on still is: a server may end it then at any time.
func (c *client) open() bool {
	_ = c.conn.SetDeadline(time.Time{})
	if err := c.raw.Read(c.peek); err != nil {
		c.idle = err
	}
	switch {
	case errors.Is(c.idle, syscall.EAGAIN):
		return true
	case errors.Is(c.idle, errStrange):
		c.strange(errors.New("bytes that nothing was asked for"))
	default:
		c.tally.Closed++
	}
	return false
}

// read reads one whole answer. The body is valid until the next call.
func (c *client) read() (answerHead, []byte, error) {
	var head answerHead
	have, end, whole := 0, 0, len(c.buffer)
	for have < whole {
		n, err := c.conn.Read(c.buffer[have:])
		have += n
		if end == 0 {
			if at := bytes.Index(c.buffer[:have], []byte("\r\n\r\n")); at >= 0 {
				end = at + 4
				var problem error
				if head, problem = parseAnswer(c.buffer[:end]); problem != nil {
					return head, nil, fmt.Errorf("%w: %w", errStrange, problem)
				}
				if whole = end + head.length; whole > len(c.buffer) {
					return head, nil, fmt.Errorf("%w: a body of %d bytes", errStrange, head.length)
				}
			}
		}
		if err != nil && have < whole {
			return head, nil, err
		}
	}
	if have > whole || end == 0 {
		return head, nil, fmt.Errorf("%w: %d bytes, expected %d", errStrange, have, whole)
	}
	return head, c.buffer[end:whole], nil
}

// failed counts a request that was sent and has no whole answer.
func (c *client) failed(err error) {
	switch {
	case errors.Is(err, errStrange):
		c.strange(err)
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.tally.Late++
	default:
		c.tally.Cut++
	}
	c.drop()
}

// strange counts an answer that is wrong. The connection is not used any more: what follows may be out of step.
func (c *client) strange(err error) {
	c.tally.Wrong++
	c.drop()
	c.crowd.mu.Lock()
	defer c.crowd.mu.Unlock()
	if c.crowd.wrong == "" {
		c.crowd.wrong = err.Error()
	}
}
