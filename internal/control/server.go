package control

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"ringway/internal/listen"
	"ringway/ring"
)

// Config says who may attach and what a worker gets.
type Config struct {
	// Path of the socket. What a dead gateway left there is replaced.
	Path string
	// Users may attach besides this process's own user and root.
	Users []uint32
	// Geometry of every worker's segments.
	Geometry ring.Geometry
	// MaxWorkers bounds the workers that have segments, also those that drain.
	MaxWorkers int
	// MemoryLimit bounds the bytes of all segments together.
	MemoryLimit int64
	// HelloTimeout and ReadyTimeout bound the silence before hello, and between attach and ready.
	HelloTimeout, ReadyTimeout time.Duration
	Log                        *slog.Logger
	// Addresses are the URLs at which clients reach the gateway; workers are told.
	Addresses []string

	// Allow decides on a user id; nil follows Users.
	Allow func(uid uint32) bool

	// Passed is the socket that the gateway before hands over; nil if there is none.
	Passed *listen.Passed
}

// pendingPeers is how many connections beyond MaxWorkers may exist at a time.
const pendingPeers = 32

// writeTimeout bounds the time in which a peer has to take a packet.
const writeTimeout = 2 * time.Second

// Server is the control socket. All methods are safe for concurrent use.
type Server struct {
	config   Config
	host     Host
	listener *net.UnixListener
	claim    *listen.Claim
	memory   ledger
	lastID   atomic.Uint64
	peers    sync.WaitGroup

	// mu also guards Users, Allow and MaxWorkers of config.
	mu       sync.Mutex
	closed   bool
	resume   chan struct{} // closed when accepting goes on; nil while it does
	resting  chan struct{} // closed when accepting has ended for the time being
	conns    map[*net.UnixConn]struct{}
	attached int
}

// Open binds the socket; peers wait until Serve. The error names the path or value at fault.
func Open(config Config) (*Server, error) {
	if err := config.Geometry.Validate(); err != nil {
		return nil, err
	}
	if size := segmentsSize(config.Geometry); size > config.MemoryLimit {
		return nil, fmt.Errorf("segments of one worker take %s, the memory limit is %s, expected at least room for one",
			mebibytes(size), mebibytes(config.MemoryLimit))
	}
	if config.Allow == nil {
		config.Allow = allowUsers(config.Users)
	}
	claim, fd, err := bind(&config)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), config.Path)
	listener, err := net.FileListener(file)
	_ = file.Close()
	if err != nil {
		claim.Release()
		return nil, fmt.Errorf("control socket %q: %w", config.Path, err)
	}
	return &Server{
		config:   config,
		listener: listener.(*net.UnixListener),
		claim:    claim,
		memory:   ledger{limit: config.MemoryLimit},
		conns:    make(map[*net.UnixConn]struct{}),
	}, nil
}

// Serve accepts peers until Close.
func (s *Server) Serve(host Host) {
	s.host = host
	for {
		conn, err := s.listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			s.rest()
		case err != nil:
			// Out of descriptors or memory: both pass.
			s.config.Log.Warn("control socket cannot accept", "error", err)
			time.Sleep(100 * time.Millisecond)
		case s.admit(conn):
			s.peers.Go(func() {
				defer s.dismiss(conn)
				s.talk(conn)
			})
		default:
			_ = conn.Close()
		}
	}
}

// Close removes the socket, closes every connection and waits for the conversations to end. Each attached worker is
// Gone for the host before Close returns.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	_ = s.listener.Close()
	if s.resume != nil {
		close(s.resume)
		s.resume = nil
	}
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.claim.Release()
	s.peers.Wait()
}

// admit counts a connection, unless there are too many.
func (s *Server) admit(conn *net.UnixConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= s.config.MaxWorkers+pendingPeers {
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *Server) dismiss(conn *net.UnixConn) {
	_ = conn.Close()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}

// takeSeat counts a worker with segments, until leaveSeat.
func (s *Server) takeSeat() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attached >= s.config.MaxWorkers {
		return fmt.Errorf("%d workers are attached, expected at most %d (--max-workers)", s.attached, s.config.MaxWorkers)
	}
	s.attached++
	return nil
}

func (s *Server) leaveSeat() {
	s.mu.Lock()
	s.attached--
	s.mu.Unlock()
}
