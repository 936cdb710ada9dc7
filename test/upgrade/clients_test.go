package upgrade

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// connection is one that does not ask all the time.
type connection struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func connect(t *testing.T, g *gateway) *connection {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * system.Patience))
	return &connection{t, conn, bufio.NewReader(conn)}
}

func (c *connection) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// expect reads an answer and tells whether it says that the connection ends.
func (c *connection) expect(body string) bool {
	c.t.Helper()
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || string(got) != body {
		c.t.Errorf("%s %q %v, expected 200 and %q", answer.Status, got, err, body)
	}
	return answer.Close
}

const ask = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// TestConnectionsDuringAnUpgrade: one that waits for its answer, one in the middle of its body and idle ones stay with the
// old gateway; each is told to go by an answer, or closed when it has been idle for long.
func TestConnectionsDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	g := start(t, system.Options{Supervised: true})
	idle, idleForLong, busy, sending := connect(t, g), connect(t, g), connect(t, g), connect(t, g)
	for _, c := range []*connection{idle, idleForLong, busy, sending} {
		c.send(ask)
		if c.expect("Hello, World!") {
			t.Error("the first answer says close")
		}
	}
	const half = 1 << 16
	body := strings.Repeat("abcdefgh", half/4)
	sending.send(fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[:half]))
	busy.send("GET /sleep?ms=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
	system.Eventually(t, "two requests are with the worker", func() bool {
		return g.Stats().Workers[0].InFlight == 2
	})
	g.upgrade(false)
	fresh := connect(t, g)
	fresh.send(ask)
	if fresh.expect("Hello, World!") {
		t.Error("the new gateway's answer says close")
	}
	idle.send(ask)
	if !idle.expect("Hello, World!") {
		t.Error("the old gateway's answer to a connection that was idle does not say close")
	}
	sending.send(body[half:])
	if !sending.expect(body) { // begun before the upgrade
		sending.send(ask)
		if !sending.expect("Hello, World!") {
			t.Error("the old gateway's answer after a long one does not say close")
		}
	}
	if answer, err := http.ReadResponse(busy.in, nil); err != nil || answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("%+v, %v, expected an answer that says close", answer, err)
	}
	if _, err := idleForLong.in.ReadByte(); err != io.EOF {
		t.Errorf("a connection that stays idle: %v, expected it to be closed", err)
	}
	g.waitAlone()
	g.finish()
}

// TestStreamsDuringAnUpgrade: a stream goes on with the old gateway and its worker until it ends, or the old gateway's drain
// limit has passed.
func TestStreamsDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]string{"it ends by itself": "10m", "it is cut": "1s"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, system.Options{Supervised: true, Flags: []string{"--drain-limit", limit}})
			c := connect(t, g)
			c.send("GET /opaque HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: upper\r\n\r\n")
			if answer, err := http.ReadResponse(c.in, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%+v, %v, expected 101", answer, err)
			}
			g.upgrade(true)
			if limit == "10m" {
				got := make([]byte, 5)
				c.send("hello")
				if _, err := io.ReadFull(c.in, got); err != nil || string(got) != "HELLO" {
					t.Errorf("%q, %v, expected that the stream goes on", got, err)
				}
				if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Error(err)
				}
				if rest, err := io.ReadAll(c.in); err != nil || len(rest) != 0 {
					t.Errorf("the stream ends with %q, %v", rest, err)
				}
			} else if rest, err := io.ReadAll(c.in); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the stream ends with %q, %v, expected a reset", rest, err)
			}
			g.waitAlone()
			g.finish()
		})
	}
}

// TestTheNewGatewayDiesWhileTheOldOneDrains: what the old one has is answered, and it ends.
func TestTheNewGatewayDiesWhileTheOldOneDrains(t *testing.T) {
	t.Parallel()
	g := start(t, system.Options{Supervised: true})
	busy := connect(t, g)
	busy.send("GET /sleep?ms=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
	system.Eventually(t, "the request is with the worker", func() bool { return g.Stats().Workers[0].InFlight == 1 })
	g.upgrade(false)
	signal(t, g.serving(), syscall.SIGKILL)
	if answer, err := http.ReadResponse(busy.in, nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%+v, %v, expected an answer", answer, err)
	}
	if status := g.Exit(system.Patience); status != 0 {
		t.Errorf("the old gateway ended with status %d", status)
	}
	g.expectNoWorkersBut()
}
