package envsocket

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// handshake is the http.ResponseWriter that takes the answer of the WebSocket library to the handshake.
type handshake struct {
	header http.Header
	link   *connection
}

// Header implements http.ResponseWriter.
func (h *handshake) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter; the status is known by the result of Accept.
func (h *handshake) WriteHeader(int) {}

// Write implements http.ResponseWriter; what refuses a handshake is for the application to answer.
func (h *handshake) Write(p []byte) (int, error) { return len(p), nil }

// Hijack implements http.Hijacker.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return conn{h.link}, bufio.NewReadWriter(bufio.NewReader(h.link), bufio.NewWriter(h.link)), nil
}

// conn is a connection as http.Hijacker gives it. The WebSocket library bounds its calls by closing, not by deadlines.
type conn struct{ *connection }

func (conn) LocalAddr() net.Addr              { return &net.UnixAddr{Net: "unix"} }
func (conn) RemoteAddr() net.Addr             { return &net.UnixAddr{Net: "unix"} }
func (conn) SetDeadline(time.Time) error      { return nil }
func (conn) SetReadDeadline(time.Time) error  { return nil }
func (conn) SetWriteDeadline(time.Time) error { return nil }
