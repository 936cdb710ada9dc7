package abuse

import (
	"bufio"
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

func dial(t *testing.T, g *system.Gateway) *client {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(3 * system.Patience)); err != nil {
		t.Fatal(err)
	}
	return &client{t, conn.(*net.TCPConn), bufio.NewReader(conn)}
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
