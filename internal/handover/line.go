package handover

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Words that move the handover on, in this order.
const (
	WordWorkers = "workers" // new: those that come by themselves may attach
	WordReady   = "ready"   // new: can serve
	WordServe   = "serve"   // old: is to serve
	WordServing = "serving" // new: has begun to accept clients; the old one is to end
)

// Message is a packet of the line. Step tells an operator what goes on, Error why the new gateway gives up.
type Message struct {
	Word  string `json:"word,omitempty"`
	Step  string `json:"step,omitempty"`
	Error string `json:"error,omitempty"`
}

const (
	maxMessage  = 64 << 10
	sendTimeout = 2 * time.Second
)

// Line connects the two gateways. Safe for one goroutine that receives and any number that send.
type Line struct {
	conn *net.UnixConn
	mu   sync.Mutex
}

// newLine makes a line; the other end is a descriptor for a child process.
func newLine() (*Line, int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, os.NewSyscallError("socketpair", err)
	}
	line, err := openLine(pair[0])
	if err != nil {
		_ = unix.Close(pair[1])
		return nil, -1, err
	}
	return line, pair[1], nil
}

// openLine takes fd over.
func openLine(fd int) (*Line, error) {
	file := os.NewFile(uintptr(fd), "line")
	defer func() { _ = file.Close() }()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	packets, ok := conn.(*net.UnixConn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("descriptor %d is a %T, expected a unix socket", fd, conn)
	}
	return &Line{conn: packets}, nil
}

// Send sends a packet.
func (l *Line) Send(m Message) error {
	packet, err := json.Marshal(m)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err = l.conn.Write(packet)
	return err
}

// Receive waits for a packet; io.EOF tells that the other side is gone.
func (l *Line) Receive() (Message, error) {
	packet := make([]byte, maxMessage)
	length, err := l.conn.Read(packet)
	if err == nil && length == 0 {
		err = io.EOF
	}
	var m Message
	if err == nil {
		err = json.Unmarshal(packet[:length], &m)
	}
	return m, err
}

// Close ends the line.
func (l *Line) Close() { _ = l.conn.Close() }
