package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/engine"
	"ringway/ring"
)

// fakeEngine records calls and plays the part of the clients.
type fakeEngine struct {
	notices chan engine.Notice

	mu      sync.Mutex
	calls   []string
	second  []uint64 // as selected last
	clients int      // connections that are open
	busy    uint64   // exchanges in flight at each worker
	ended   uint64   // exchanges of worker 1 that have ended
	stopped bool
	quiet   bool // Quiet was sent
	fds     []int
	failure error

	changeFailure, selectFailure error
	rounds                       []uint64 // of probes, in their order

	turns uint64 // of the loop
	hangs bool   // it does not turn any more
}

func newFakeEngine() *fakeEngine { return &fakeEngine{notices: make(chan engine.Notice, 64)} }

func (e *fakeEngine) record(format string, arguments ...any) {
	e.calls = append(e.calls, fmt.Sprintf(format, arguments...))
}

func (e *fakeEngine) AddListener(fds []int, _ bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("listen %d", len(fds))
	e.fds = append(e.fds, fds...)
	return nil
}

func (e *fakeEngine) Start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("start")
	return e.failure
}

func (e *fakeEngine) Attach(a engine.Attachment) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("attach %d", a.Worker)
	if len(a.Inbound) != a.Geometry.InboundSize() || len(a.Sockets) != a.Geometry.Lanes {
		return errors.New("attachment does not fit its geometry")
	}
	e.fds = append(e.fds, a.Sockets...)
	return nil
}

func (e *fakeEngine) Select(workers, second []uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.selectFailure != nil {
		return e.selectFailure
	}
	e.record("select %v", workers)
	e.second = second
	if !e.hangs {
		e.turns++
	}
	return nil
}

func (e *fakeEngine) Probe(worker uint64, path string, round uint64) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rounds = append(e.rounds, round)
	e.record("probe %d %s", worker, path)
	return nil
}

func (e *fakeEngine) Drain(worker uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("drain %d", worker)
	if e.busy == 0 {
		e.notices <- engine.Notice{Kind: engine.Idle, Worker: worker}
	}
}

func (e *fakeEngine) EndStreams(worker uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("end streams %d", worker)
}

func (e *fakeEngine) Detach(worker uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("detach %d", worker)
	e.notices <- engine.Notice{Kind: engine.Released, Worker: worker}
}

func (e *fakeEngine) Notices() <-chan engine.Notice { return e.notices }

func (e *fakeEngine) AnnounceStop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("announce")
}

func (e *fakeEngine) StopAccepting() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("stop")
	e.stopped = true
	e.checkQuiet()
}

func (e *fakeEngine) HandOver() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("hand over")
	e.stopped = true
	e.checkQuiet()
}

func (e *fakeEngine) Change(engine.Settings) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.changeFailure != nil {
		return e.changeFailure
	}
	e.record("change")
	return nil
}

func (e *fakeEngine) Cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("cut")
	e.clients = 0
	e.checkQuiet()
}

func (e *fakeEngine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.record("close")
	for _, fd := range e.fds {
		_ = unix.Close(fd)
	}
	e.fds = nil
}

func (e *fakeEngine) AccessLog() engine.AccessSource { return nil }

func (e *fakeEngine) Requests(int) ([]engine.Request, int, error) { return nil, 0, nil }

func (e *fakeEngine) Stats() engine.Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return engine.Stats{
		Loops: []engine.LoopStats{{Index: 0, Requests: 3, Iterations: e.turns}},
		Lanes: []engine.LaneStats{{Worker: 1, Loop: 0, InFlight: e.busy, Completed: e.ended}, {Worker: 1, Loop: 1, InFlight: 1}},
	}
}

// answerProbe plays a worker that answers on both loops.
func (e *fakeEngine) answerProbe(worker, round uint64, status int) {
	for loop := range 2 {
		e.notices <- engine.Notice{Kind: engine.Probed, Worker: worker, Loop: loop, Round: round, Status: status}
	}
}

// asked are the rounds of probes so far.
func (e *fakeEngine) asked() []uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.rounds)
}

// refuseSelections plays an engine without memory; nil is one with some again.
func (e *fakeEngine) refuseSelections(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.selectFailure = err
}

// leave is a client that closes its connection.
func (e *fakeEngine) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clients--
	e.checkQuiet()
}

func (e *fakeEngine) checkQuiet() {
	if e.stopped && !e.quiet && e.clients <= 0 {
		e.quiet = true
		e.notices <- engine.Notice{Kind: engine.Quiet}
	}
}

func (e *fakeEngine) seen() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

// takesDropped are the workers that take what those of the active release drop.
func (e *fakeEngine) takesDropped() []uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.second
}

// selected tells whether the worker gets requests.
func (e *fakeEngine) selected(id int) bool {
	calls := e.seen()
	for _, call := range slices.Backward(calls) {
		if list, found := strings.CutPrefix(call, "select ["); found {
			return slices.Contains(strings.Fields(strings.TrimSuffix(list, "]")), fmt.Sprint(id))
		}
	}
	return false
}

func (e *fakeEngine) saw(call string) bool { return slices.Contains(e.seen(), call) }

// start starts a gateway with a fake engine; change may alter its configuration.
func start(t *testing.T, fake *fakeEngine, change func(*Config)) *Gateway {
	t.Helper()
	config := testConfig(t)
	if change != nil {
		change(&config)
	}
	g, err := Start(config, fake, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Cut()
		waitDone(t, g)
	})
	return g
}

func testConfig(t *testing.T) Config {
	return Config{
		Listen: []string{"127.0.0.1:0"}, Admin: "127.0.0.1:0", Socket: filepath.Join(t.TempDir(), "control.sock"), Loops: 2,
		Geometry:   ring.Geometry{Lanes: 2, RingSlots: 64, ExchangeSlots: 16, ArenaUnits: 128},
		MaxWorkers: 8, MemoryLimit: 64 << 20, ReadyWorkers: 1, ReadyLimit: time.Minute, DrainLimit: 20 * time.Second, Version: "test",
	}
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func waitDone(t *testing.T, g *Gateway) {
	t.Helper()
	select {
	case <-g.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the gateway does not end")
	}
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if check() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

// fakeWorker is a worker as the test plays it: only its conversation on the control socket.
type fakeWorker struct {
	t    *testing.T
	conn net.Conn
}

// attachWorker goes through the handshake; the worker has the given number.
func attachWorker(t *testing.T, g *Gateway, fake *fakeEngine, id int) *fakeWorker {
	t.Helper()
	return attachRelease(t, g, fake, id, "r1")
}

// attachRelease is attachWorker for a worker of a certain release, which has to become the active one.
func attachRelease(t *testing.T, g *Gateway, fake *fakeEngine, id int, release string) *fakeWorker {
	t.Helper()
	w := attachIdle(t, g, release)
	eventually(t, "selection", func() bool { return fake.selected(id) })
	return w
}

// attachIdle attaches a worker, which gets ready, and waits for nothing.
func attachIdle(t *testing.T, g *Gateway, release string) *fakeWorker {
	t.Helper()
	return attachTicket(t, g, release, 0)
}

// attachTicket attaches a worker as the process that a ticket was made for.
func attachTicket(t *testing.T, g *Gateway, release string, crew int) *fakeWorker {
	t.Helper()
	conn, err := net.Dial("unixpacket", g.config.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	w := &fakeWorker{t, conn}
	w.send("hello", fmt.Sprintf(`,"protocol":1,"layout":%d,"release":%q,"crew":%d`, ring.LayoutVersion, release, crew))
	if kind := w.receive(); kind != "attach" {
		t.Fatalf("received %q, want attach", kind)
	}
	w.send("ready", "")
	return w
}

func (w *fakeWorker) send(kind, members string) {
	w.t.Helper()
	if _, err := fmt.Fprintf(w.conn, `{"type":%q%s}`, kind, members); err != nil {
		w.t.Fatal(err)
	}
}

// receive returns the type of the next packet, "" at the end.
func (w *fakeWorker) receive() string {
	w.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	packet := make([]byte, 4096)
	length, err := w.conn.Read(packet)
	if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || (err == nil && length == 0) {
		return ""
	}
	if err != nil {
		w.t.Fatal(err)
	}
	var message struct{ Type string }
	if err := json.Unmarshal(packet[:length], &message); err != nil {
		w.t.Fatalf("%q: %v", packet[:length], err)
	}
	return message.Type
}

// quietFor checks that the worker is told nothing for a while.
func (w *fakeWorker) quietFor(wait time.Duration) {
	w.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(wait))
	packet := make([]byte, 4096)
	if length, err := w.conn.Read(packet); err == nil {
		w.t.Fatalf("the worker was told %q", packet[:length])
	}
}

// expectDrain waits for the drain packet and ends the worker.
func (w *fakeWorker) expectDrain() {
	w.t.Helper()
	if kind := w.receive(); kind != "drain" {
		w.t.Fatalf("received %q, want drain", kind)
	}
	_ = w.conn.Close()
}
