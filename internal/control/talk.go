package control

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"ringway/ring"
)

// refuseLinger is how long a refused peer may take to read why before the connection is closed under it: closing with
// packets unread would let the kernel drop the reason.
const refuseLinger = time.Second

// talk holds the conversation with one peer until either side ends it.
func (s *Server) talk(conn *net.UnixConn) {
	peer, err := peerCredentials(conn)
	if err != nil {
		s.config.Log.Warn("control socket peer without credentials", "error", err)
		return
	}
	log := s.config.Log.With("worker_pid", peer.pid, "worker_uid", peer.uid)
	worker, err := s.welcome(conn, &peer)
	if err != nil {
		peer.close()
		log.Warn("worker refused", "error", err)
		s.refuse(conn, err)
		return
	}
	reason := s.attend(worker)
	s.host.Gone(worker, reason)
	if !errors.Is(reason, ErrGone) && !errors.Is(reason, net.ErrClosed) {
		s.refuse(conn, reason)
	}
}

// welcome does everything up to the attach packet. After an error the host does not know the worker.
func (s *Server) welcome(conn *net.UnixConn, peer *credentials) (*Worker, error) {
	if !s.allowed(peer.uid) {
		return nil, fmt.Errorf("user %d may not attach, expected this gateway's user, root, or a user named by --socket-user", peer.uid)
	}
	greeting, err := s.readHello(conn)
	if err != nil {
		return nil, err
	}
	if text := greeting.mismatch(ring.LayoutVersion, ring.Features); text != "" {
		return nil, errors.New(text)
	}
	if text := greeting.invalid(); text != "" {
		return nil, errors.New(text)
	}
	if slices.Contains(greeting.Beside, os.Getpid()) {
		return nil, errors.New("the worker is attached already, expected it to attach to the next gateway")
	}
	geometry := s.config.Geometry
	worker := &Worker{
		ID: s.lastID.Add(1), Pid: peer.pid, UID: peer.uid, Release: greeting.Release, Program: greeting.Program, Crew: greeting.Crew,
		Reattaches: greeting.Reattach,
		Attached:   time.Now(), Geometry: geometry, server: s, conn: conn, peer: peer,
		size: segmentsSize(geometry),
	}
	if err := s.takeSeat(); err != nil {
		return nil, err
	}
	if err := s.memory.reserve(worker.size); err != nil {
		s.leaveSeat()
		return nil, err
	}
	worker.Segments, err = s.memory.create(worker.ID, geometry)
	if err != nil {
		s.memory.release(worker.size)
		s.leaveSeat()
		return nil, fmt.Errorf("segments: %w", err)
	}
	if err := s.introduce(worker); err != nil {
		return nil, errors.Join(err, worker.Free())
	}
	return worker, nil
}

// introduce gives the worker to the host and the descriptors to the worker.
func (s *Server) introduce(worker *Worker) error {
	gatewayEnds, workerEnds, err := socketPairs(worker.Geometry.Lanes)
	if err != nil {
		return err
	}
	defer closeAll(workerEnds)
	if err := s.host.Attach(worker, gatewayEnds); err != nil {
		return err
	}
	segments := worker.Segments
	// The mappings stay.
	defer func() { _ = segments.CloseFiles() }()
	descriptors := append([]int{int(segments.InboundFile.Fd()), int(segments.OutboundFile.Fd())}, workerEnds...)
	message := attach{
		Type: typeAttach, WorkerID: worker.ID, Lanes: worker.Geometry.Lanes, GatewayPid: os.Getpid(),
		Addresses: s.config.Addresses, Reason: true,
	}
	if err := send(worker.conn, message, unix.UnixRights(descriptors...)); err != nil {
		// The host has the worker already: attend finds the same and reports it gone.
		s.config.Log.Warn("worker cannot be sent its segments", "worker", worker.ID, "error", err)
		_ = worker.conn.Close()
	}
	return nil
}

// attend handles the packets of an attached worker and returns why they ended.
func (s *Server) attend(worker *Worker) error {
	current := phaseAttach
	buffer := make([]byte, maxPacket)
	for {
		var timeout time.Duration
		if current == phaseAttach {
			timeout = s.config.ReadyTimeout
		}
		packet, err := read(worker.conn, buffer, timeout)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("silent for %v in phase %s, expected %s", timeout, current, current.expected())
		}
		if err != nil {
			return err
		}
		kind, err := packetType(packet)
		if err != nil {
			return err
		}
		if current, err = current.next(kind); err != nil {
			return err
		}
		switch current {
		case phaseServing:
			s.host.Ready(worker)
		case phaseLeaving:
			s.host.Leaving(worker)
		}
	}
}

func (s *Server) readHello(conn *net.UnixConn) (*hello, error) {
	packet, err := read(conn, make([]byte, maxPacket), s.config.HelloTimeout)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("silent for %v, expected %s", s.config.HelloTimeout, phaseHello.expected())
	}
	if err != nil {
		return nil, err
	}
	kind, err := packetType(packet)
	if err != nil {
		return nil, err
	}
	if _, err := phaseHello.next(kind); err != nil {
		return nil, err
	}
	var greeting hello
	if err := decode(packet, &greeting); err != nil {
		return nil, err
	}
	return &greeting, nil
}

// read returns the next packet; a timeout of 0 waits without end.
func read(conn *net.UnixConn, buffer []byte, timeout time.Duration) ([]byte, error) {
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	if err := conn.SetReadDeadline(deadline); err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	length, _, flags, _, err := conn.ReadMsgUnix(buffer, nil)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, unix.ECONNRESET), err == nil && length == 0:
		return nil, ErrGone
	case err != nil:
		return nil, fmt.Errorf("control socket: %w", err)
	case flags&unix.MSG_TRUNC != 0:
		return nil, fmt.Errorf("packet of more than %d bytes", len(buffer))
	case flags&unix.MSG_CTRUNC != 0:
		// There is no room for descriptors in the call, so that the kernel has closed them already.
		return nil, errors.New("packet with descriptors, expected none")
	}
	return buffer[:length], nil
}

// refuse tells the peer why it is refused and lets it close the connection.
func (s *Server) refuse(conn *net.UnixConn, reason error) {
	if send(conn, refuse{Type: typeRefuse, Error: reason.Error()}, nil) != nil || conn.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(refuseLinger)
	buffer := make([]byte, 1)
	for conn.SetReadDeadline(end) == nil {
		if length, _, _, _, err := conn.ReadMsgUnix(buffer, nil); err != nil || length == 0 {
			return
		}
	}
}
