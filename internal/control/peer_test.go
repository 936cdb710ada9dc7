package control

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/ring"
)

// small is a geometry that costs little.
var small = ring.Geometry{Lanes: 2, RingSlots: 64, ExchangeSlots: 16, ArenaUnits: 128}

// host records what the server tells it.
type host struct {
	refuse error

	mu      sync.Mutex
	events  []string
	workers []*Worker
	sockets []int
	reason  error
	gone    chan *Worker
}

func (h *host) note(event string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event)
}

func (h *host) Attach(w *Worker, sockets []int) error {
	h.note("attach")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.workers = append(h.workers, w)
	h.sockets = append(h.sockets, sockets...)
	return h.refuse
}

func (h *host) Ready(*Worker)   { h.note("ready") }
func (h *host) Leaving(*Worker) { h.note("leaving") }

func (h *host) Gone(w *Worker, reason error) {
	h.note("gone")
	h.mu.Lock()
	h.reason = reason
	h.mu.Unlock()
	h.gone <- w
}

func (h *host) seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.events...)
}

func (h *host) worker(i int) *Worker {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.workers[i]
}

func (h *host) socket(i int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sockets[i]
}

func (h *host) waitGone(t *testing.T) (*Worker, error) {
	t.Helper()
	select {
	case w := <-h.gone:
		h.mu.Lock()
		defer h.mu.Unlock()
		return w, h.reason
	case <-time.After(5 * time.Second):
		t.Fatal("the worker never went")
		return nil, nil
	}
}

// serve starts a server; change may alter its configuration.
func serve(t *testing.T, change func(*Config)) (*Server, *host) {
	t.Helper()
	config := Config{
		Path: filepath.Join(t.TempDir(), "control.sock"), Geometry: small, MaxWorkers: 4, MemoryLimit: 64 << 20,
		HelloTimeout: 5 * time.Second, ReadyTimeout: 5 * time.Second, Addresses: []string{"http://127.0.0.1:1"}, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&config)
	}
	server, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{gone: make(chan *Worker, 16)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(h)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
		closeAll(h.sockets)
		for _, w := range h.workers {
			if err := w.Free(); err != nil {
				t.Error(err)
			}
		}
	})
	return server, h
}

// peer is a worker as the test plays it.
type peer struct {
	t    *testing.T
	conn *net.UnixConn
}

func dial(t *testing.T, server *Server) *peer {
	t.Helper()
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: server.config.Path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{t, conn}
}

func (p *peer) write(packet []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(packet); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) send(message any) {
	p.t.Helper()
	packet, err := json.Marshal(message)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(packet)
}

// receive returns the next packet and its descriptors; io.EOF at the end.
func (p *peer) receive() (map[string]any, []int, error) {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	packet, rights := make([]byte, maxPacket), make([]byte, 1024)
	length, rightsLength, _, _, err := p.conn.ReadMsgUnix(packet, rights)
	if err != nil {
		return nil, nil, err
	}
	if length == 0 {
		return nil, nil, io.EOF
	}
	var message map[string]any
	if err := json.Unmarshal(packet[:length], &message); err != nil {
		p.t.Fatalf("%q: %v", packet[:length], err)
	}
	var descriptors []int
	controls, err := unix.ParseSocketControlMessage(rights[:rightsLength])
	if err != nil {
		p.t.Fatal(err)
	}
	for i := range controls {
		some, err := unix.ParseUnixRights(&controls[i])
		if err != nil {
			p.t.Fatal(err)
		}
		descriptors = append(descriptors, some...)
	}
	p.t.Cleanup(func() { closeAll(descriptors) })
	return message, descriptors, nil
}

// expectRefusal returns the reason and checks that the end follows.
func (p *peer) expectRefusal() string {
	p.t.Helper()
	message, descriptors, err := p.receive()
	if err != nil || message["type"] != typeRefuse || len(descriptors) != 0 {
		p.t.Fatalf("received %v %v %v, want a refusal", message, descriptors, err)
	}
	if _, _, err := p.receive(); !errors.Is(err, io.EOF) {
		p.t.Fatalf("after the refusal: %v, want the end", err)
	}
	return message["error"].(string)
}

func greeting() hello {
	return hello{
		Type: typeHello, Protocol: Protocol, Layout: ring.LayoutVersion, Features: ring.Features,
		Release: "r1", Pid: 999999, Program: "test",
	}
}

// attached goes through the handshake up to the attach packet.
func attached(t *testing.T, server *Server) (*peer, []int) {
	t.Helper()
	p := dial(t, server)
	p.send(greeting())
	message, descriptors, err := p.receive()
	if err != nil || message["type"] != typeAttach {
		t.Fatalf("received %v %v, want attach", message, err)
	}
	return p, descriptors
}
