package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"ringway/test/e2e/system"
)

// tally counts how exchanges ended.
type tally struct {
	whole, unavailable, cut atomic.Int64
}

func (c *tally) String() string {
	return fmt.Sprintf("%d whole, %d answered 502 or 503, %d cut after they had begun", c.whole.Load(), c.unavailable.Load(), c.cut.Load())
}

// mixed is a client that sends requests of every kind over one connection at a time and checks each answer.
type mixed struct {
	addr   string
	random *rand.Rand
	tally  *tally
	conn   net.Conn
	in     *bufio.Reader
}

func (m *mixed) close() {
	if m.conn != nil {
		_ = m.conn.Close()
		m.conn = nil
	}
}

// run sends requests until stop; the error is an exchange that ended as none may.
func (m *mixed) run(stop <-chan struct{}) error {
	defer m.close()
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := m.one(); err != nil {
			return err
		}
	}
}

func (m *mixed) one() error {
	if m.conn == nil {
		conn, err := net.Dial("tcp", m.addr)
		if err != nil {
			return err
		}
		m.conn, m.in = conn, bufio.NewReader(conn)
	}
	_ = m.conn.SetDeadline(time.Now().Add(system.Patience))
	size := m.random.IntN(1 << m.random.IntN(19))
	body := random(size)
	var head string
	var check func(got []byte) bool
	var send []byte
	switch m.random.IntN(6) {
	case 0:
		head, check = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(got []byte) bool { return string(got) == "Hello, World!" }
	case 1:
		head = fmt.Sprintf("GET /bytes?n=%d HTTP/1.1\r\nHost: x\r\n\r\n", size)
		check = func(got []byte) bool { return len(got) == size && isPattern(got) }
	case 2:
		ms := m.random.IntN(30)
		head = fmt.Sprintf("GET /sleep?ms=%d HTTP/1.1\r\nHost: x\r\n\r\n", ms)
		check = func(got []byte) bool { return strings.HasPrefix(string(got), "slept ") }
	case 3:
		sum := sha256.Sum256(body)
		head, send = fmt.Sprintf("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size), body
		check = func(got []byte) bool { return bytes.Contains(got, []byte(hex.EncodeToString(sum[:]))) }
	case 4:
		head, send = fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size), body
		check = func(got []byte) bool { return bytes.Equal(got, body) }
	case 5:
		head = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
		send = fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", max(size, 1), append(body, make([]byte, 1-min(size, 1))...))
		check = func(got []byte) bool { return bytes.Equal(got[:min(len(got), size)], body) && len(got) == max(size, 1) }
	}
	method, _, _ := strings.Cut(head, " ")
	sent := make(chan error, 1)
	conn := m.conn
	go func() {
		_, err := conn.Write(append([]byte(head), send...))
		sent <- err
	}()
	answer, err := http.ReadResponse(m.in, &http.Request{Method: method})
	if err != nil {
		return fmt.Errorf("%.60q with %d bytes ended without an answer: %w (writing: %w)", head, size, err, <-sent)
	}
	got, err := io.ReadAll(answer.Body)
	switch {
	case answer.StatusCode == http.StatusBadGateway || answer.StatusCode == http.StatusServiceUnavailable:
		m.tally.unavailable.Add(1)
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%.60q: %s", head, answer.Status)
	case err == nil && check(got):
		m.tally.whole.Add(1)
	case err == nil:
		return fmt.Errorf("%.60q with %d bytes: wrong answer of %d bytes: %.80q", head, size, len(got), got)
	case errors.Is(err, io.ErrUnexpectedEOF) || isReset(err):
		m.tally.cut.Add(1)
		m.close()
	default:
		return fmt.Errorf("%.60q with %d bytes, after %d of the answer: %w", head, size, len(got), err)
	}
	if answer.Close || err != nil {
		m.close() // also ends the writing
		<-sent
		return nil
	}
	if err := <-sent; err != nil {
		return fmt.Errorf("%.60q with %d bytes: %w", head, size, err)
	}
	return nil
}

func isReset(err error) bool { return strings.Contains(err.Error(), "connection reset by peer") }
