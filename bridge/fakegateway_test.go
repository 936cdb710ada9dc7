package bridge

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/ring"
	"ringway/ring/ringtest"
)

// fakeGateway serves the control socket of section 4 with real segments and descriptors.
type fakeGateway struct {
	t        *testing.T
	path     string
	listener *net.UnixListener
}

func listenGateway(t *testing.T, path string) *fakeGateway {
	t.Helper()
	_ = os.Remove(path)
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &fakeGateway{t, path, l}
}

func socketPath(t *testing.T) string {
	dir, err := os.MkdirTemp("", "ringway")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "control.sock")
}

// fakeWorker is the gateway's view of one attached worker.
type fakeWorker struct {
	t        *testing.T
	conn     *net.UnixConn
	hello    message
	segments *ring.Segments
	lanes    []*ringtest.Gateway

	addresses []string // that attach tells
}

func (g *fakeGateway) accept() *fakeWorker {
	g.t.Helper()
	_ = g.listener.SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := g.listener.AcceptUnix()
	if err != nil {
		g.t.Fatal(err)
	}
	w := &fakeWorker{t: g.t, conn: conn}
	w.hello = w.expect(typeHello)
	return w
}

func (w *fakeWorker) expect(kind string) message {
	w.t.Helper()
	b := make([]byte, maxPacket)
	_ = w.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := w.conn.Read(b)
	if err != nil {
		w.t.Fatalf("waiting for %s: %v", kind, err)
	}
	var m message
	if err := json.Unmarshal(b[:n], &m); err != nil || m.Type != kind {
		w.t.Fatalf("got %s (%v), want %s", b[:n], err, kind)
	}
	return m
}

func (w *fakeWorker) send(m message, fds ...int) {
	w.t.Helper()
	b, _ := json.Marshal(m)
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := w.conn.WriteMsgUnix(b, rights, nil); err != nil {
		w.t.Fatal(err)
	}
}

// attach gives the worker its segments; change may spoil them before.
func (w *fakeWorker) attach(g ring.Geometry, change func(*ring.Segments)) {
	w.t.Helper()
	s, err := ring.CreateSegments(7, g)
	if err != nil {
		w.t.Fatal(err)
	}
	w.segments = s
	if change != nil {
		change(s)
	}
	fds := []int{int(s.InboundFile.Fd()), int(s.OutboundFile.Fd())}
	var theirs []int
	for i := range g.Lanes {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		ours, err := ring.NewSocket(pair[0])
		if err != nil {
			w.t.Fatal(err)
		}
		theirs = append(theirs, pair[1])
		lane := ringtest.NewLane(g, g.InboundLane(s.Inbound, i), g.OutboundLane(s.Outbound, i))
		w.lanes = append(w.lanes, ringtest.NewGateway(lane, ours))
	}
	attach := message{Type: typeAttach, WorkerID: 7, Lanes: g.Lanes, GatewayPID: os.Getpid(), Addresses: w.addresses, Reason: true}
	w.send(attach, append(fds, theirs...)...)
	for _, fd := range theirs {
		_ = unix.Close(fd)
	}
}

// die ends everything the worker knows of the gateway.
func (w *fakeWorker) die() {
	_ = w.conn.Close()
	for _, l := range w.lanes {
		_ = l.Close()
	}
}
