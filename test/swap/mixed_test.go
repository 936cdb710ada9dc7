package swap

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// mixed is what the clients of a soak do besides POSTs with a number, and how it went. Where a worker is killed, docs/design.md section 5
// allows 502 for what is not safe and a cut connection for an answer that has begun; nothing else is.
type mixed struct {
	ids                          atomic.Int64
	whole, failed, cut, deserted atomic.Int64
}

func (m *mixed) id() string { return strconv.FormatInt(m.ids.Add(1), 10) }

func linesOf(id string, n int) []byte {
	line := id + "\n"
	return []byte(strings.Repeat(line, n/len(line)+1)[:n])
}

// again connects anew after what has ended a connection.
func (c *client) again() error {
	_ = c.conn.Close()
	conn, err := net.Dial("tcp", c.crowd.addr)
	if err != nil {
		return err
	}
	c.conn, c.in = conn, bufio.NewReader(conn)
	return nil
}

// get is a short GET: no death may harm it.
func (m *mixed) get(c *client) error {
	id, n := m.id(), c.random.IntN(3000)
	got, err := c.ask("GET", fmt.Sprintf("/named?id=%s&n=%d", id, n), nil)
	if err == nil && !bytes.Equal(got, linesOf(id, n)) {
		err = fmt.Errorf("GET %s: the answer of %d bytes is another's: %q", id, len(got), got[:min(len(got), 40)])
	}
	return err
}

// download is a GET whose answer, of up to 4 MiB, may be cut where it has begun. It may be read slowly.
func (m *mixed) download(slowly bool) func(*client) error {
	return func(c *client) error {
		id, n := m.id(), c.random.IntN(1<<(10+c.random.IntN(13)))
		fmt.Fprintf(c.conn, "GET /named?id=%s&n=%d HTTP/1.1\r\nHost: x\r\n\r\n", id, n)
		answer, err := http.ReadResponse(c.in, &http.Request{Method: "GET"})
		if err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Errorf("download %s: %v, %w", id, answer, err)
		}
		defer answer.Body.Close()
		body := io.Reader(answer.Body)
		if slowly {
			body = drip{body}
		}
		got, err := io.ReadAll(body)
		want := linesOf(id, n)
		switch {
		case err != nil && bytes.HasPrefix(want, got):
			m.cut.Add(1)
			return c.again()
		case err != nil || !bytes.Equal(got, want):
			return fmt.Errorf("download %s of %d bytes: %d others, %w", id, n, len(got), err)
		}
		m.whole.Add(1)
		return nil
	}
}

// drip takes a little at a time, for half a second at most.
type drip struct{ from io.Reader }

func (d drip) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return d.from.Read(p[:min(len(p), 16<<10)])
}

// upload sends up to 4 MiB in pieces and wants their checksum, or what comes instead of an answer.
func (m *mixed) upload(pieces int, pause time.Duration) func(*client) error {
	return func(c *client) error {
		body := c.bytes(1 + c.random.IntN(1<<(10+c.random.IntN(13))))
		sum := sha256.Sum256(body)
		if _, err := fmt.Fprintf(c.conn, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(body)); err != nil {
			return err
		}
		conn, sent := c.conn, make(chan error, 1)
		go func() {
			var err error
			for piece := len(body)/pieces + 1; len(body) > 0 && err == nil; body = body[min(piece, len(body)):] {
				_, err = conn.Write(body[:min(piece, len(body))])
				time.Sleep(pause)
			}
			sent <- err
		}()
		answer, err := http.ReadResponse(c.in, &http.Request{Method: "POST"})
		if err != nil {
			return fmt.Errorf("upload: %w", err)
		}
		got, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		var told struct{ SHA256 string }
		switch {
		case answer.StatusCode == http.StatusBadGateway:
			_ = conn.Close()
			<-sent
			m.failed.Add(1)
			return c.again()
		case answer.StatusCode != http.StatusOK || err != nil:
			return fmt.Errorf("upload: %s %q, %w", answer.Status, got, err)
		}
		if err := errors.Join(<-sent, json.Unmarshal(got, &told)); err != nil || told.SHA256 != hex.EncodeToString(sum[:]) {
			return fmt.Errorf("upload: the sum %q is another's: %w", told.SHA256, err)
		}
		m.whole.Add(1)
		return nil
	}
}

// desert begins something and leaves.
func (m *mixed) desert(c *client) error {
	text := []string{
		"GET /sleep?ms=50 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /named?id=left&n=1000000 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /na",
		"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nsome",
	}[c.random.IntN(4)]
	if _, err := io.WriteString(c.conn, text); err != nil {
		return err
	}
	time.Sleep(time.Duration(c.random.IntN(20)) * time.Millisecond)
	if c.random.IntN(2) == 0 {
		_ = c.conn.(*net.TCPConn).SetLinger(0)
	}
	m.deserted.Add(1)
	return c.again()
}
