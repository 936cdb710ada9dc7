package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func sampleStreams() *streamReport {
	r := &streamReport{Targets: []describedTarget{{"ringway", "Ringway", ""}, {"nethttp", "net/http", ""}}, Loads: streamLoads[:1]}
	for round, factor := range []float64{1, 0.5, 2} {
		r.Runs = append(r.Runs,
			streamRun{Target: "ringway", Load: "one", Round: round, Messages: 1, PerSecond: 2000 * factor, CPU: 5 * factor},
			streamRun{Target: "nethttp", Load: "one", Round: round, Messages: 1, PerSecond: 1000 * factor, CPU: 10 * factor})
	}
	return r
}

func TestStreamSummary(t *testing.T) {
	r := sampleStreams()
	if s := r.summary("ringway", streamLoads[0]); !s.ok() || s.PerSecond != 2000 || s.Lowest != 1000 || s.Highest != 4000 || s.CPU != 5 || s.Megabytes != 2.048 {
		t.Errorf("got %+v", s)
	}
	var page strings.Builder
	r.table(&page)
	if !strings.Contains(page.String(), "| Ringway | 2 | 2.05 | 5 |") || !strings.Contains(page.String(), "| 2.00 / 0.50 |") {
		t.Errorf("the table is\n%s", page.String())
	}
	r.Runs[0].Invalid = "other bytes"
	if s := r.summary("ringway", streamLoads[0]); s.ok() || s.Invalid != 1 || s.Why != "other bytes" {
		t.Errorf("a run with errors counts: %+v", s)
	}
}

func TestStreamRunFill(t *testing.T) {
	var run streamRun
	run.fill(1000, 2*time.Second, 10*time.Millisecond, 4*time.Millisecond)
	if run != (streamRun{Messages: 1000, PerSecond: 500, CPU: 10, ClientCPU: 4}) {
		t.Errorf("got %+v", run)
	}
	run = streamRun{}
	if run.fill(0, time.Second, 0, 0); run.Invalid == "" {
		t.Errorf("a run without a message counts: %+v", run)
	}
}

// TestBytesEach: the processes of a gateway are summed.
func TestBytesEach(t *testing.T) {
	r := socketsResult{Connections: 100, Before: []memory{{RSS: 1000, PSS: 7}, {RSS: 500, PSS: 7}}, After: []memory{{RSS: 2000, PSS: 107}, {RSS: 9500, PSS: 107}}}
	if got := r.bytesEach(func(m memory) int64 { return m.RSS }); got != 100 {
		t.Errorf("got %d, expected 100", got)
	}
	if got := r.bytesEach(func(m memory) int64 { return m.PSS }); got != 2 {
		t.Errorf("got %d, expected 2", got)
	}
}

// TestEchoers: they count what came back, and tell of what did not.
func TestEchoers(t *testing.T) {
	const accepted = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
	for name, test := range map[string]struct {
		answer string
		echo   func(net.Conn)
		wrong  string
	}{
		"an echo":        {accepted, func(conn net.Conn) { _, _ = io.Copy(conn, conn) }, ""},
		"refused":        {"HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n", func(net.Conn) {}, "status 426"},
		"early bytes":    {accepted + "x", func(net.Conn) {}, "1 bytes behind it"},
		"other bytes":    {accepted, func(conn net.Conn) { _, _ = io.CopyN(io.Discard, conn, 2048); _, _ = conn.Write(make([]byte, 2048)) }, "other bytes came back"},
		"an early end":   {accepted, func(net.Conn) {}, "EOF"},
		"half a message": {accepted, func(conn net.Conn) { _, _ = io.CopyN(conn, conn, 1000) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer func() {
					_ = conn.(*net.TCPConn).CloseWrite()
					_, _ = io.Copy(io.Discard, conn)
					_ = conn.Close()
				}()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, test.answer)
					test.echo(conn)
				}
			}()
			e, err := startEchoers(listener.Addr().String(), streamLoad{Connections: 1, Depth: 2, Bytes: 1024})
			if err == nil {
				for deadline := time.Now().Add(10 * time.Second); test.wrong == "" && e.count.Load() < 20; time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("%d messages came back", e.count.Load())
					}
				}
				if test.wrong != "" {
					e.all.Wait()
				}
				err = e.end()
			}
			if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("got %v, expected %q", err, test.wrong)
			}
		})
	}
}
