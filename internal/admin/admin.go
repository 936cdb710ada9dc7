// Package admin serves what operators ask the gateway over HTTP (GET /stats, /healthz, /readyz) and what they order (POST
// /swap, /rollback, /drain, /stop, /upgrade). It answers JSON, also for errors, and runs on a listener and server of its own, so that it can never hold up
// the data plane.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// Server is the admin listener. All methods are safe for concurrent use.
type Server struct {
	address  string // as the configuration has it
	listener net.Listener
	server   *http.Server
}

// Open listens on address (HOST:PORT); nothing is answered until Serve. The error names the address.
func Open(address string, host Host, log *slog.Logger) (*Server, error) {
	if address == "" {
		// net.Listen would take any port of every interface.
		return nil, errors.New("admin address is empty, expected HOST:PORT")
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w, expected a free HOST:PORT", address, cause(err))
	}
	return newServer(address, listener, host, log), nil
}

func newServer(address string, listener net.Listener, host Host, log *slog.Logger) *Server {
	return &Server{
		address:  address,
		listener: listener,
		server: &http.Server{
			Handler:           Handler(host),
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       60 * time.Second,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
}

// URL is where the server is reached, with the bound port.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Loopback tells whether only this host reaches the server.
func (s *Server) Loopback() bool {
	addr, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// Serve answers until Close.
func (s *Server) Serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// Close lets running answers finish for a moment and ends the server.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.server.Shutdown(ctx) != nil {
		_ = s.server.Close()
	}
	// Serve may never have been called.
	_ = s.listener.Close()
}

// Handler answers the admin requests.
func Handler(host Host) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/stats", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			answer(w, http.StatusMethodNotAllowed, problem{Error: fmt.Sprintf("method %.32q, expected GET", r.Method)})
			return
		}
		answer(w, http.StatusOK, host.Snapshot())
	})
	mux.Handle("GET /metrics", metricsHandler(host))
	mux.HandleFunc("/swap", order(func(o SwapOrder, watch func(Progress)) error {
		return host.Swap(o.Program, o.Args, watch)
	}))
	mux.HandleFunc("/rollback", order(func(_ struct{}, watch func(Progress)) error { return host.Rollback(watch) }))
	mux.HandleFunc("/drain", order(func(o DrainOrder, watch func(Progress)) error {
		if err := host.Drain(o.Worker); err != nil {
			return err
		}
		watch(Progress{Step: "draining", Done: true})
		return nil
	}))
	mux.HandleFunc("/upgrade", order(func(o UpgradeOrder, watch func(Progress)) error { return host.Upgrade(o.Program, watch) }))
	mux.HandleFunc("/stop", order(func(_ struct{}, watch func(Progress)) error {
		host.StopNow()
		watch(Progress{Step: "draining", Done: true})
		return nil
	}))
	mux.HandleFunc("/healthz", health(func() string { return "" }))
	mux.HandleFunc("/readyz", health(host.Ready))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusNotFound, problem{Error: fmt.Sprintf("no path %.64q, expected /stats, /healthz, /readyz, /swap, /rollback, /drain, /stop or /upgrade", r.URL.Path)})
	})
	return mux
}

type problem struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, status int, body any) {
	encoded, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		status, encoded = http.StatusInternalServerError, []byte(`{"error": "the answer cannot be encoded"}`)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// An error means that the client is gone.
	_, _ = w.Write(append(encoded, '\n'))
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
