package abuse

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// client writes bytes as an attack wants them.
type client struct {
	t    *testing.T
	conn *net.TCPConn
	in   *bufio.Reader
}

func newClient(t *testing.T, conn net.Conn) *client {
	_ = conn.SetDeadline(time.Now().Add(3 * system.Patience))
	return &client{t, conn.(*net.TCPConn), bufio.NewReader(conn)}
}

func dial(t *testing.T, g *system.Gateway) *client {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return newClient(t, conn)
}

// dialMany opens connections. They belong to the caller's goroutine, as testing.T.Fatal wants it.
func dialMany(t *testing.T, g *system.Gateway, n int) []*client {
	t.Helper()
	all := make([]*client, n)
	for i := range all {
		all[i] = dial(t, g)
	}
	return all
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads an answer to the end.
func (c *client) answer() (int, string, error) {
	head, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(head.Body)
	return head.StatusCode, string(body), err
}

func (c *client) expect(status int, body string) {
	c.t.Helper()
	gotStatus, gotBody, err := c.answer()
	if err != nil || gotStatus != status || !strings.Contains(gotBody, body) {
		c.t.Errorf("%d %.100q %v, want %d and %q", gotStatus, gotBody, err, status, body)
	}
}

// reset closes with RST instead of FIN, whatever is unsent or unread.
func (c *client) reset() {
	_ = c.conn.SetLinger(0)
	_ = c.conn.Close()
}

func (c *client) close() { _ = c.conn.Close() }

// halfClose ends the client's direction and expects that what is left comes in the answers, and then the end.
func (c *client) halfClose(answers ...int) {
	c.t.Helper()
	if err := c.conn.CloseWrite(); err != nil {
		c.t.Error(err)
	}
	for i, want := range answers {
		status, _, err := c.answer()
		if status != want || err != nil {
			c.t.Errorf("answer %d of %d after a half-close: status %d, %v, want %d", i+1, len(answers), status, err, want)
			return
		}
	}
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) != 0 {
		c.t.Errorf("%.100q, %v after %d answers, want the end", rest, err, len(answers))
	}
	c.close()
}

// cut tells whether an error is the end that a gateway may give a client that has gone too far.
func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "connection reset") ||
		strings.Contains(err.Error(), "broken pipe") || errors.Is(err, net.ErrClosed)
}

// pour writes text n times, or until the gateway takes no more.
func (c *client) pour(text string, n int) error {
	const most = 32 << 10
	for n > 0 {
		times := min(n, max(1, most/len(text)))
		if _, err := io.WriteString(c.conn, strings.Repeat(text, times)); err != nil {
			if cut(err) {
				return nil
			}
			return fmt.Errorf("%d pieces not written: %w", n, err)
		}
		n -= times
	}
	return nil
}
