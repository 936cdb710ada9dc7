package bridge

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"ringway/ring"
)

// maxRawHead bounds a head that a handler writes by hand.
const maxRawHead = ring.MaxBlock

var headEnd = []byte("\r\n\r\n")

// writeHead takes the head of an answer out of what is written to a hijacked connection, and gives it to the gateway,
// which writes its own. It returns how many bytes of p are no stream. A head that cannot be sent ends the exchange.
func (c *hijackedConn) writeHead(p []byte) (int, error) {
	taken := 0
	for {
		before := len(c.head)
		c.head = append(c.head, p[taken:]...)
		end := bytes.Index(c.head, headEnd)
		if end < 0 {
			if len(c.head) <= maxRawHead {
				return len(p), nil
			}
			return 0, c.refuse(fmt.Errorf("bridge: a head of more than %d bytes was written", maxRawHead))
		}
		end += len(headEnd)
		taken += end - before
		head := c.head[:end]
		c.head = nil
		final, err := c.answer(head)
		if err != nil {
			return 0, c.refuse(err)
		}
		if final || taken == len(p) {
			return taken, nil
		}
	}
}

// refuse ends an exchange whose head cannot be sent.
func (c *hijackedConn) refuse(err error) error {
	c.failure, c.head = err, nil
	c.ex.sender.abortOf(c.generation, 500)
	return err
}

// abortOf is abort, if the exchange still runs.
func (s *sender) abortOf(generation uint32, status uint16) {
	if s.ex.streamOf(generation) != streamNone {
		s.abort(status)
	}
}

// answer sends one head; final: it was no interim one.
func (c *hijackedConn) answer(head []byte) (final bool, err error) {
	status, phrase, fields, err := parseHead(head)
	if err != nil {
		return false, err
	}
	var list []byte
	if c.ex.lane.att.reasons && (status >= 200 || status == http.StatusSwitchingProtocols) && phrase != http.StatusText(status) {
		list = ring.AppendReason(list, phrase)
	}
	length := ring.LengthUnknown
	for key, values := range fields {
		switch key {
		case "Content-Length":
			n, err := strconv.ParseUint(values[0], 10, 63)
			if err != nil || len(values) != 1 {
				return false, fmt.Errorf("bridge: Content-Length %q was written", values)
			}
			length = n
		case "Transfer-Encoding":
			return false, fmt.Errorf("bridge: Transfer-Encoding %q was written to a hijacked connection, which the gateway frames: %w", values, http.ErrNotSupported)
		case "Connection", "Keep-Alive", "Proxy-Connection":
		default:
			list = appendFields(list, key, values)
		}
	}
	s := &c.ex.sender
	switch {
	case status == http.StatusContinue:
		return false, nil // 100 is for the gateway to send
	case status == http.StatusSwitchingProtocols && !c.offered:
		return false, fmt.Errorf("bridge: 101 was written to a request that does not offer another protocol (Upgrade): %w", http.ErrNotSupported)
	case status == http.StatusSwitchingProtocols:
		length = ring.LengthUnknown
	case status < 200:
		return false, s.informed(uint16(status), list)
	case status == http.StatusNoContent || status == http.StatusNotModified:
		c.bare = true
	}
	s.status, s.head, s.total, s.sniff = uint16(status), list, length, false
	return true, c.begin()
}

// parseHead parses a status line (RFC 9112, 4) and the fields behind it.
func parseHead(head []byte) (status int, phrase string, fields textproto.MIMEHeader, err error) {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(head)))
	line, err := r.ReadLine()
	if err != nil {
		return 0, "", nil, err
	}
	version, rest, _ := strings.Cut(line, " ")
	code, phrase, _ := strings.Cut(rest, " ")
	if status, err = strconv.Atoi(code); err != nil || len(code) != 3 || status < 100 || version != "HTTP/1.1" && version != "HTTP/1.0" {
		return 0, "", nil, fmt.Errorf("bridge: %.80q was written to a hijacked connection, want a status line of HTTP/1.1", line)
	}
	fields, err = r.ReadMIMEHeader()
	return status, phrase, fields, err
}
