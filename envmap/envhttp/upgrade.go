package envhttp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"ringway/envmap"
)

// offersUpgrade says whether the client offers another protocol (RFC 9110, 7.8).
func offersUpgrade(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) || r.ProtoMajor != 1 || r.Method == http.MethodHead || r.ContentLength != 0 || r.Header.Get("Upgrade") == "" {
		return false
	}
	for _, values := range r.Header["Connection"] {
		for value := range strings.SplitSeq(values, ",") {
			if strings.EqualFold(strings.TrimSpace(value), "upgrade") {
				return true
			}
		}
	}
	return false
}

// Upgrade implements envmap.Exchange by http.Hijacker.
func (x *exchange) Upgrade(head *envmap.ResponseHead) (envmap.Stream, error) {
	conn, buffered, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		return nil, fmt.Errorf("envhttp: %w", err)
	}
	x.untie()
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n")
	for _, f := range head.Fields {
		if !strings.EqualFold(f.Name, "Connection") {
			fmt.Fprintf(&b, "%s: %s\r\n", f.Name, f.Value)
		}
	}
	b.WriteString("\r\n")
	if _, err := conn.Write(b.Bytes()); err != nil {
		_ = conn.Close() // it is of no use
		return nil, err
	}
	return &stream{conn, buffered, x.cancel}, nil
}

// stream is a hijacked connection.
type stream struct {
	net.Conn
	in     io.Reader
	cancel context.CancelCauseFunc
}

// Read reads what net/http has read already first.
func (s *stream) Read(p []byte) (int, error) { return s.in.Read(p) }

// Close ends the connection and its context.
func (s *stream) Close() error {
	s.cancel(net.ErrClosed)
	return s.Conn.Close()
}

// CloseWrite ends what is written, if the connection knows how to.
func (s *stream) CloseWrite() error {
	if c, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return s.Close()
}
