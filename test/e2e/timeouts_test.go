package e2e

import (
	"io"
	"strings"
	"testing"
	"time"

	"ringway/internal/engine"
	"ringway/test/e2e/system"
)

// TestTimeouts: each of a client's ways to take too long ends in its own way and is counted; what takes long for other
// reasons does not end. A client that is to be in time has two seconds for each step.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	flags := []string{
		"--head-timeout", "2s", "--idle-timeout", "3s", "--body-timeout", "2s", "--body-rate", "1000", "--send-timeout", "3s", "--send-rate", "10MiB",
	}
	const long = "6000" // ms, beyond all of them
	for name, c := range map[string]struct {
		talk  func(t *testing.T, r *raw)
		count func(l engine.LoopStats) uint64
	}{
		"silent": {func(_ *testing.T, r *raw) { r.closed() }, func(l engine.LoopStats) uint64 { return l.HeadTimeouts }},
		"part of a head": {func(t *testing.T, r *raw) {
			r.send("GET / HTTP/1.1\r\nHost:")
			timedOut(t, r)
		}, func(l engine.LoopStats) uint64 { return l.HeadTimeouts }},
		"head in drops": {func(t *testing.T, r *raw) {
			go drip(r, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 100))
			timedOut(t, r)
		}, func(l engine.LoopStats) uint64 { return l.HeadTimeouts }},
		"idle": {func(t *testing.T, r *raw) {
			r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			r.answer("GET")
			r.closed()
		}, func(l engine.LoopStats) uint64 { return l.IdleTimeouts }},
		"part of a body": {func(t *testing.T, r *raw) {
			r.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
			timedOut(t, r)
		}, func(l engine.LoopStats) uint64 { return l.BodyTimeouts }},
		"part of a chunk": {func(t *testing.T, r *raw) {
			r.send("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
			timedOut(t, r)
		}, func(l engine.LoopStats) uint64 { return l.BodyTimeouts }},
		"body in drops": {func(t *testing.T, r *raw) {
			r.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
			go drip(r, strings.Repeat("x", 100))
			timedOut(t, r)
		}, func(l engine.LoopStats) uint64 { return l.BodyTimeouts }},
		"reads nothing": {func(t *testing.T, r *raw) {
			r.send("GET /bytes?n=50000000 HTTP/1.1\r\nHost: x\r\n\r\n")
			time.Sleep(8 * time.Second) // what is tested is that this is too long
			if n, err := io.Copy(io.Discard, r.in); err == nil && n >= 50_000_000 {
				t.Error("all was sent")
			}
		}, func(l engine.LoopStats) uint64 { return l.SendTimeouts }},
		"takes drops": {func(t *testing.T, r *raw) {
			// The kernel's buffers take some megabytes first; then the gateway can send only what the client reads.
			r.send("GET /bytes?n=50000000 HTTP/1.1\r\nHost: x\r\n\r\n")
			for piece := make([]byte, 16<<10); ; time.Sleep(500 * time.Millisecond) {
				if _, err := io.ReadFull(r.in, piece); err != nil {
					break
				}
			}
		}, func(l engine.LoopStats) uint64 { return l.SendTimeouts }},
		"heads that overlap": {func(t *testing.T, r *raw) {
			// Each piece ends in the middle of the next head: no head takes long, though one is always begun.
			r.send("GET / HTTP/1.1\r\nHo")
			for range 30 {
				time.Sleep(150 * time.Millisecond)
				r.send("st: x\r\n\r\nGET / HTTP/1.1\r\nHo")
				if answer, _ := r.answer("GET"); answer.StatusCode != 200 {
					t.Fatal(answer.Status)
				}
			}
			_ = r.conn.Close()
		}, nil},
		"slow handler": {func(t *testing.T, r *raw) {
			r.send("GET /sleep?ms=" + long + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if answer, _ := r.answer("GET"); answer.StatusCode != 200 {
				t.Error(answer.Status)
			}
			r.closed()
		}, nil},
		"handler that does not read": {func(t *testing.T, r *raw) {
			// The body is larger than what the gateway takes in for a handler that does not read; it rests meanwhile.
			size := 1 << 20
			r.send("POST /sleep?ms="+long+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", size)
			go func() { _, _ = r.conn.Write(make([]byte, size)) }()
			if answer, _ := r.answer("POST"); answer.StatusCode != 200 {
				t.Error(answer.Status)
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{Supervised: true, Flags: flags})
			c.talk(t, dial(t, g))
			g.WaitNoConnections()
			l := g.Stats().Loops[0]
			all := l.HeadTimeouts + l.IdleTimeouts + l.BodyTimeouts + l.SendTimeouts
			if c.count == nil && all != 0 || c.count != nil && (c.count(l) != 1 || all != 1) {
				t.Errorf("timeouts: head %d, idle %d, body %d, send %d", l.HeadTimeouts, l.IdleTimeouts, l.BodyTimeouts, l.SendTimeouts)
			}
			g.WaitIdle()
			g.Stop()
		})
	}
}

// timedOut expects a 408 that ends the connection (RFC 9110, 15.5.9).
func timedOut(t *testing.T, r *raw) {
	t.Helper()
	answer, _ := r.answer("POST")
	if answer.StatusCode != 408 || !answer.Close {
		t.Errorf("%s, close %v", answer.Status, answer.Close)
	}
	r.closed()
}

// drip sends bytes one by one until the gateway takes no more.
func drip(r *raw, text string) {
	for i := range len(text) {
		if _, err := r.conn.Write([]byte(text[i : i+1])); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
