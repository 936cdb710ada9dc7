// Package admin serves what operators ask of the gateway over HTTP, and what they order; routes.go has the table, and
// /openapi.json describes it; / is the console, a page for browsers (console.go). Answers are JSON, errors problem details (RFC 9457). It runs on a listener and server of its own, so
// that it can never hold up the data plane.
//
// Only loopback addresses and unix sockets are served without a token. What a browser sends for another page, or for a name that
// is not this server's, is refused (guard.go).
package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Options are what a server is opened with.
type Options struct {
	Address string // HOST:PORT, or unix:PATH
	Token   string // that every request has to bear; empty: none
}

// Server is the admin listener. All methods are safe for concurrent use.
type Server struct {
	options  Options
	listener net.Listener
	server   *http.Server
	host     Host
}

const unixPrefix = "unix:"

// unixMode is the access mode of a unix socket: whoever may connect may give orders.
const unixMode = 0o600

// Open listens; nothing is answered until Serve. The error names the address.
func Open(options Options, host Host, log *slog.Logger) (*Server, error) {
	listener, err := open(options.Address)
	if err != nil {
		return nil, err
	}
	s, err := newServer(options, listener, host, log)
	if err != nil {
		_ = listener.Close()
	}
	return s, err
}

func open(address string) (net.Listener, error) {
	if address == "" {
		// net.Listen would take any port of every interface.
		return nil, errors.New("admin address is empty, expected HOST:PORT or unix:PATH")
	}
	path, isUnix := strings.CutPrefix(address, unixPrefix)
	if !isUnix {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("admin address %q: %w, expected a free HOST:PORT or unix:PATH", address, cause(err))
		}
		return listener, nil
	}
	// A socket that somebody serves stays; one that was left behind makes way.
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return nil, fmt.Errorf("admin address %q: served by another process, expected a free path", address)
	} else if info, statErr := os.Lstat(path); statErr == nil && errors.Is(err, syscall.ECONNREFUSED) && info.Mode().Type() == fs.ModeSocket {
		_ = os.Remove(path) // a file that is no socket refuses connections, too
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err == nil {
		if err = os.Chmod(path, unixMode); err != nil {
			_ = listener.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w, expected a path in a directory that can be written", address, cause(err))
	}
	return listener, nil
}

func newServer(options Options, listener net.Listener, host Host, log *slog.Logger) (*Server, error) {
	s := &Server{options: options, listener: listener, host: host}
	if options.Token == "" && !s.Local() {
		return nil, fmt.Errorf("admin address %q can be reached from other hosts, expected a token (--admin-token-file), a loopback address or unix:PATH", options.Address)
	}
	s.server = &http.Server{
		Handler:           guard{token: options.Token, local: s.Local(), own: ownName(options.Address)}.around(Handler(host)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// URL is where the server is reached, with the bound port.
func (s *Server) URL() string {
	if address, ok := s.listener.Addr().(*net.UnixAddr); ok {
		return unixPrefix + address.Name
	}
	return "http://" + s.listener.Addr().String()
}

// Local tells whether only this host reaches the server.
func (s *Server) Local() bool {
	switch address := s.listener.Addr().(type) {
	case *net.TCPAddr:
		return address.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

// Serve answers until Close.
func (s *Server) Serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// Close ends the server; running answers may finish for a moment, and those that follow the events end.
func (s *Server) Close() {
	s.host.Journal().End()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close()
	}
	// Serve may never have been called.
	_ = s.listener.Close()
}

// cause is the short reason inside a network error, which would otherwise repeat the address.
func cause(err error) error {
	var call *os.SyscallError
	var dns *net.DNSError
	var addr *net.AddrError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return errors.New("served by another process")
	case errors.As(err, &call):
		return call.Err
	case errors.As(err, &dns):
		return errors.New(dns.Err)
	case errors.As(err, &addr):
		return errors.New(addr.Err)
	}
	return err
}
