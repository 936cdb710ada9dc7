package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// TestCases runs every case against a gateway and a worker, one pair for each set of flags.
func TestCases(t *testing.T) {
	t.Parallel()
	book, err := Read("cases")
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string][]*Case{}
	for _, one := range book.Cases() {
		if one.Only != "c" {
			groups[one.Flags] = append(groups[one.Flags], one)
		}
	}
	for flags, cases := range groups {
		t.Run("with "+flags, func(t *testing.T) {
			t.Parallel()
			g := start(t, flags)
			address := g.Addr
			if strings.Contains(flags, "--listen-proxy") {
				address = g.Proxy
			}
			t.Run("cases", func(t *testing.T) {
				for _, one := range cases {
					t.Run(one.File+"/"+one.Name, func(t *testing.T) {
						t.Parallel()
						run(t, address, one, false)
						if !one.Whole {
							run(t, address, one, true)
						}
					})
				}
			})
			g.WaitIdle()
			for _, loop := range g.Stats().Loops {
				if loop.Violations != 0 {
					t.Errorf("%d violations", loop.Violations)
				}
			}
			g.Stop()
		})
	}
}

// start starts a worker, and a gateway that by default gives no request ids: no case could foretell them.
func start(t *testing.T, flags string) *system.Gateway {
	t.Helper()
	g := system.StartGateway(t, system.Options{Flags: append([]string{"--request-id=false"}, strings.Fields(flags)...)})
	system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, workerProgram)
	g.WaitReady(1)
	return g
}

// mostBytewise is how long a piece may be to be sent in single bytes.
const mostBytewise = 600

func run(t *testing.T, address string, one *Case, bytewise bool) {
	t.Helper()
	dialed, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	conn := dialed.(*net.TCPConn)
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(system.Patience)); err != nil {
		t.Fatal(err)
	}
	c := conversation{conn: conn, in: bufio.NewReader(conn), bytewise: bytewise}
	if err := c.run(one); err != nil {
		t.Errorf("test/wire/cases/%s:%d: %s (byte by byte: %v): %v", one.File, one.Line, one.Name, bytewise, err)
	}
}

// conversation is a connection in the course of a case.
type conversation struct {
	conn     *net.TCPConn
	in       *bufio.Reader
	bytewise bool
	ended    bool // half-closed by us
	last     *Answer
	goodbye  bool // an answer said that it is the last
}

func (c *conversation) run(one *Case) error {
	for i, step := range one.Steps {
		if err := c.step(step, one.Fate == Cut && i == len(one.Steps)-1); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	switch one.Fate {
	case Open:
		return c.staysOpen()
	case Closed, Ended:
		return c.isClosed(one.Fate)
	}
	return nil
}

func (c *conversation) step(step Step, cut bool) error {
	switch {
	case step.Answer != nil && cut:
		return c.isCut(step.Answer)
	case step.Answer != nil:
		return c.expect(step.Answer)
	case step.Raw != nil:
		got := make([]byte, len(step.Raw))
		if n, err := io.ReadFull(c.in, got); err != nil || !bytes.Equal(got, step.Raw) {
			return fmt.Errorf("want the bytes %q, got %q, %w", step.Raw, got[:n], err)
		}
	case step.HalfClose:
		c.ended = true
		return c.conn.CloseWrite()
	case step.Pause:
		// So that the gateway reads the pieces one by one; nothing depends on it.
		time.Sleep(20 * time.Millisecond)
	default:
		c.send(step.Send)
	}
	return nil
}

// send does not mind if the gateway has closed already: what it answered and how it closed is looked at.
func (c *conversation) send(text []byte) {
	if !c.bytewise || len(text) > mostBytewise {
		_, _ = c.conn.Write(text)
		return
	}
	for i := range text {
		_, _ = c.conn.Write(text[i : i+1])
	}
}

func (c *conversation) expect(want *Expected) error {
	answer, err := ReadAnswer(c.in, want.Head)
	if err != nil {
		return fmt.Errorf("want an answer %d: %w after %+.2000v", want.Status, err, *answer)
	}
	if c.goodbye {
		return fmt.Errorf("an answer after one with Connection: close: %+v", *answer)
	}
	c.last, c.goodbye = answer, c.saysGoodbye(answer)
	return want.Check(answer)
}

func (c *conversation) saysGoodbye(a *Answer) bool {
	for _, value := range a.Values("Connection") {
		if value == "close" || strings.HasPrefix(value, "close,") {
			return true
		}
	}
	return false
}

// isCut expects that the connection ends inside the answer.
func (c *conversation) isCut(want *Expected) error {
	answer, err := ReadAnswer(c.in, want.Head)
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("want a connection that is cut inside an answer: %w after %+.2000v", err, *answer)
	}
	return want.Check(answer)
}

func (c *conversation) isClosed(fate string) error {
	rest, err := io.ReadAll(c.in)
	switch {
	case fate == Ended && errors.Is(err, syscall.ECONNRESET) && len(rest) == 0:
		return nil
	case err != nil || len(rest) != 0:
		return fmt.Errorf("want the connection closed in order, got %.200q, %w", rest, err)
	case c.last == nil || c.ended:
		return nil
	case c.goodbye != (fate == Closed): // RFC 9112 9.6
		return fmt.Errorf("%s, but whether the last answer said so is %v", fate, c.goodbye)
	}
	return nil
}

func (c *conversation) staysOpen() error {
	if c.goodbye {
		return errors.New("an answer said that the connection closes")
	}
	_, _ = io.WriteString(c.conn, "GET /still HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := c.expect(&Expected{Status: 200, Framing: "length", CheckBody: true, Body: []byte("GET /still\nauthority x\n")}); err != nil {
		return fmt.Errorf("another request: %w", err)
	}
	return nil
}
