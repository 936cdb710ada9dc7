package sockets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"ringway/test/e2e/system"
)

// TestStreamsCarryEveryByte: what is sent comes back in upper case, to its last byte, from both kinds of application.
func TestStreamsCarryEveryByte(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--mode", mode}})
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 1))
			for _, size := range []int{0, 1, 1000, 3 << 20} {
				text := make([]byte, size)
				for i := range text {
					text[i] = byte('a' + random.IntN(26))
				}
				c := dialRaw(t, g, "/opaque", "upper")
				go func() {
					for rest := text; len(rest) > 0; {
						n := min(len(rest), 1+random.IntN(100_000))
						_, _ = c.Write(rest[:n])
						rest = rest[n:]
					}
					_ = c.CloseWrite()
				}()
				got, err := io.ReadAll(c)
				if err != nil || !bytes.Equal(got, bytes.ToUpper(text)) {
					t.Fatalf("%d bytes: %d came back, %v", size, len(got), err)
				}
			}
			stop(t, g)
		})
	}
}

// TestWebSocketRoutes: /ws of the example worker, of both kinds.
func TestWebSocketRoutes(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--mode", mode}})
			conn, ctx := dial(t, g, "/ws", nil), patience(t)
			for _, size := range []int{0, 1, 100_000} {
				want := bytes.Repeat([]byte("x"), size)
				if err := conn.Write(ctx, 2, want); err != nil {
					t.Fatal(err)
				}
				if _, got, err := conn.Read(ctx); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes: %d came back, %v", size, len(got), err)
				}
			}
			if err := conn.Close(1000, ""); err != nil {
				t.Error(err)
			}
			stop(t, g)
		})
	}
}

// TestEndsOfClients: the worker learns how a client has gone.
func TestEndsOfClients(t *testing.T) {
	t.Parallel()
	g := start(t)
	c := dialRaw(t, g, "/hold", "raw")
	_, _ = c.Write(make([]byte, 100_000))
	_ = c.CloseWrite()
	if got := get(t, g, "/ended"); got != "<nil>" {
		t.Errorf("behind a FIN reading ends by %s", got)
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
		t.Errorf("the connection ends with %q, %v", rest, err)
	}
	c = dialRaw(t, g, "/hold", "raw")
	_, _ = c.Write([]byte("half a mess"))
	_ = c.SetLinger(0)
	_ = c.Close()
	if got := get(t, g, "/ended"); !strings.Contains(got, "connection reset") {
		t.Errorf("behind a reset reading ends by %s", got)
	}
	stop(t, g)
}

// TestBothSidesEnd: what the client sent before its end is the worker's, also if that has ended its own side and does not read yet.
func TestBothSidesEnd(t *testing.T) {
	t.Parallel()
	g := start(t)
	for size := 224 << 10; size <= 416<<10; size += 32 << 10 { // some fill the window, and leave a rest and the end in the socket
		c := dialRaw(t, g, "/late", "raw")
		if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
			t.Fatalf("the worker's side ends with %q, %v", rest, err)
		}
		go func() {
			_, _ = c.Write(make([]byte, size))
			_ = c.CloseWrite()
		}()
		for range 3 {
			_ = get(t, g, "/pid")
		}
		_ = get(t, g, "/go")
		if got, want := get(t, g, "/came"), fmt.Sprintf("%d bytes, <nil>", size); got != want {
			t.Errorf("the worker has read %s, want %s", got, want)
		}
		_ = c.Close()
	}
	stop(t, g)
}

// TestDeathOfTheWorker cuts its connections: never an end in order.
func TestDeathOfTheWorker(t *testing.T) {
	t.Parallel()
	g := start(t)
	c := dialRaw(t, g, "/hold", "raw")
	pid, err := strconv.Atoi(get(t, g, "/pid"))
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	if rest, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection ends with %q, %v, want a reset", rest, err)
	}
	g.WaitReady(1)
	stop(t, g)
}

// TestSlowReader: what a client does not take stops its writer, soon; and the client is cut in the end.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	g := start(t, "--send-timeout", "2s")
	c := dialRaw(t, g, "/endless", "raw")
	const most = 32 << 20 // of window and socket buffers
	for n, same, before := 0, 0, -1; same < 20; before = n {
		var err error
		if n, err = strconv.Atoi(get(t, g, "/written")); err != nil || n > most {
			t.Fatalf("%d bytes were written for a client that reads none, %v", n, err)
		}
		if same++; n != before {
			same = 0
		}
	}
	system.Eventually(t, "the client is cut", func() bool {
		stats := g.Stats()
		return stats.Loops[0].SendTimeouts == 1 && stats.Loops[0].Upgraded == 0
	})
	_ = c.Close()
	stop(t, g)
}

// TestIdleLimit: a stream may rest, unless there is a limit.
func TestIdleLimit(t *testing.T) {
	t.Parallel()
	g := start(t, "--upgrade-idle", "200ms", "--idle-timeout", "100ms", "--body-timeout", "100ms", "--head-timeout", "10s")
	c := dialRaw(t, g, "/hold", "raw")
	if _, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection ends by %v, want a reset", err)
	}
	if got := get(t, g, "/ended"); !strings.Contains(got, "given the request up") {
		t.Errorf("reading ends by %s", got)
	}
	if n := g.Stats().Loops[0]; n.UpgradeTimeouts != 1 || n.UpgradedEver != 1 || n.IdleTimeouts+n.BodyTimeouts != 0 {
		t.Errorf("%+v", n)
	}
	stop(t, g)
}

// TestAccessLog: a connection's line comes at its end, with the bytes of both directions.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--access-log", name, "--access-log-format", "json"}})
	c := dialRaw(t, g, "/opaque", "upper")
	_, _ = c.Write([]byte("hello, there"))
	_ = c.CloseWrite()
	if _, err := io.ReadAll(c); err != nil {
		t.Fatal(err)
	}
	stop(t, g)
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var line struct {
		Status   int    `json:"status"`
		Received uint64 `json:"received"`
		Body     uint64 `json:"sent_body"`
		End      string `json:"end"`
	}
	if err := json.Unmarshal(text, &line); err != nil || line.Status != 101 || line.Received != 12 || line.Body != 12 || line.End != "complete" && line.End != "" {
		t.Errorf("%v: %s", err, text)
	}
}
