package control

import (
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"ringway/ring"
)

// Worker is an attached worker. Its fields do not change; its methods are safe for concurrent use.
type Worker struct {
	// ID is the gateway's number for this attachment, never reused.
	ID uint64
	// Pid and UID are the kernel's word. Pid is 0 if the process is in a pid namespace that is not visible from here.
	Pid int
	UID uint32
	// Release and Program are the worker's own word.
	Release, Program string
	// Crew is what the gateway has called the processes that the worker was started with; 0 if it came by itself.
	Crew int
	// Reattaches: it can be attached to a second gateway, if it is asked to by Reattach.
	Reattaches bool
	Attached   time.Time
	Geometry   ring.Geometry
	Segments   *ring.Segments

	server *Server
	conn   *net.UnixConn
	peer   *credentials
	size   int64
	free   sync.Once
	write  sync.Mutex
}

// Drain tells the worker that no new requests will come: it finishes what runs and closes the socket.
func (w *Worker) Drain() error { return w.send(bare{Type: typeDrain}) }

// Reattach asks the worker to attach a second time, to the gateway that accepts at the control socket now.
func (w *Worker) Reattach() error { return w.send(bare{Type: typeReattach}) }

// Disconnect closes the control socket. The host hears of it as Gone.
func (w *Worker) Disconnect() { _ = w.conn.Close() }

// Kill ends the worker's process with SIGKILL, if it can be reached. Preconditions: Free was not called.
func (w *Worker) Kill() error { return w.peer.kill() }

// Free unmaps the segments and gives their memory back. Preconditions: the worker is Gone, and nothing refers to the
// segments any more.
func (w *Worker) Free() error {
	var err error
	w.free.Do(func() {
		w.peer.close()
		err = w.Segments.Close()
		w.server.memory.release(w.size)
		w.server.leaveSeat()
	})
	if err != nil {
		return fmt.Errorf("segments of worker %d: %w", w.ID, err)
	}
	return nil
}

func (w *Worker) send(message any) error {
	w.write.Lock()
	defer w.write.Unlock()
	return send(w.conn, message, nil)
}

// send writes one packet, with descriptors encoded in rights if there are any.
func send(conn *net.UnixConn, message any, rights []byte) error {
	packet, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode packet: %w", err)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	if _, _, err := conn.WriteMsgUnix(packet, rights, nil); err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	return nil
}
