package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ringway/ring"
)

// The control protocol of docs/design.md, section 4.
const (
	protocolVersion = 1
	maxPacket       = 64 << 10

	typeHello    = "hello"
	typeAttach   = "attach"
	typeRefuse   = "refuse"
	typeReady    = "ready"
	typeLeaving  = "leaving"
	typeDrain    = "drain"
	typeReattach = "reattach"
)

// message is any packet of the control socket.
type message struct {
	Type string `json:"type"`

	// hello
	Protocol int    `json:"protocol,omitempty"`
	Layout   uint32 `json:"layout,omitempty"`
	Features uint64 `json:"features,omitempty"`
	Release  string `json:"release,omitempty"`
	PID      int    `json:"pid,omitempty"`
	Program  string `json:"program,omitempty"`
	Crew     int    `json:"crew,omitempty"`
	Reattach bool   `json:"reattach,omitempty"`
	Beside   []int  `json:"beside,omitempty"`

	// attach
	WorkerID   uint64 `json:"worker_id,omitempty"`
	Lanes      int    `json:"lanes,omitempty"`
	GatewayPID int    `json:"gateway_pid,omitempty"`

	Addresses []string `json:"addresses,omitempty"` // URLs at which clients reach the gateway

	Reason bool `json:"reason,omitempty"` // the gateway knows ring.AppendReason

	// refuse
	Error string `json:"error,omitempty"`
}

// ErrRefused is wrapped by what Serve returns when the gateway did not accept the worker.
var ErrRefused = errors.New("bridge: the gateway refused this worker")

// errFatal marks errors that another attempt cannot cure.
var errFatal = errors.New("bridge: cannot serve")

// control is the worker's end of the control socket.
type control struct {
	conn *net.UnixConn
	mu   sync.Mutex // of writes
}

func dial(path string) (*control, error) {
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		return nil, fmt.Errorf("bridge: control socket %s: %w", path, err)
	}
	return &control{conn: conn}, nil
}

func (c *control) close() { _ = c.conn.Close() } // nothing is buffered that could be lost

// interrupt makes a receive fail; uninterrupt allows receiving again.
func (c *control) interrupt() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) }

func (c *control) uninterrupt() error { return c.conn.SetReadDeadline(time.Time{}) }

func (c *control) send(m message) error {
	packet, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.conn.Write(packet); err != nil {
		return fmt.Errorf("bridge: control socket: %w", err)
	}
	return nil
}

// receive takes one packet and the descriptors that came with it.
func (c *control) receive() (message, []int, error) {
	packet := make([]byte, maxPacket)
	rights := make([]byte, unix.CmsgSpace((2+ring.MaxLanes)*4))
	n, m, flags, _, err := c.conn.ReadMsgUnix(packet, rights)
	if err != nil {
		return message{}, nil, fmt.Errorf("bridge: control socket: %w", err)
	}
	fds := descriptors(rights[:m])
	if n == 0 && len(fds) == 0 {
		return message{}, nil, fmt.Errorf("bridge: control socket: %w", io.EOF)
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		closeAll(fds)
		return message{}, nil, fmt.Errorf("bridge: control packet of more than %d bytes or %d descriptors", maxPacket, 2+ring.MaxLanes)
	}
	var got message
	if err := json.Unmarshal(packet[:n], &got); err != nil {
		closeAll(fds)
		return message{}, nil, fmt.Errorf("bridge: control packet: %w", err)
	}
	return got, fds, nil
}

func descriptors(rights []byte) []int {
	var all []int
	parts, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for i := range parts {
		if fds, err := unix.ParseUnixRights(&parts[i]); err == nil {
			all = append(all, fds...)
		}
	}
	for _, fd := range all {
		unix.CloseOnExec(fd)
	}
	return all
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// listen reads packets until the socket ends, closes drain when the gateway says so, and calls reattach when the worker is
// to attach to the next gateway as well.
func (c *control) listen(drain chan<- struct{}, reattach func()) error {
	told := false
	for {
		m, fds, err := c.receive()
		if err != nil {
			return err
		}
		closeAll(fds)
		switch {
		case m.Type == typeDrain && !told:
			told = true
			close(drain)
		case m.Type == typeReattach && !told:
			reattach()
		case m.Type == typeRefuse:
			return fmt.Errorf("%w: %s", ErrRefused, m.Error)
		}
	}
}

// program names this process for the gateway's logs.
func program() string {
	if name, err := os.Executable(); err == nil {
		return name
	}
	return os.Args[0]
}

// crew is the number that the gateway gave to the processes that it started together with this one; 0 if it did not
// start it.
func crew() int {
	number, _ := strconv.Atoi(os.Getenv("RINGWAY_CREW"))
	return number
}
