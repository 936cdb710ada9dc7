package abuse

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// besideClients is how many honest clients are served beside an attack.
const besideClients = 3

// besides are honest clients. Whatever happens beside them, each of their requests is answered as it should be.
type besides struct {
	t        *testing.T
	all      sync.WaitGroup
	end      chan struct{}
	answered atomic.Int64
}

func serveBeside(t *testing.T, g *system.Gateway) *besides {
	b := &besides{t: t, end: make(chan struct{})}
	for i := range besideClients {
		b.all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for !b.over() {
				if err := b.connection(g.Addr, random); err != nil {
					t.Errorf("an honest client: %v", err)
					return
				}
			}
		})
	}
	return b
}

func (b *besides) over() bool {
	select {
	case <-b.end:
		return true
	default:
		return false
	}
}

// stop ends them after an answer each at least.
func (b *besides) stop() {
	b.t.Helper()
	system.Eventually(b.t, "an honest client is answered", func() bool { return b.answered.Load() >= besideClients || b.t.Failed() })
	close(b.end)
	b.all.Wait()
}

// connection makes some requests over one connection.
func (b *besides) connection(addr string, random *rand.Rand) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 1 + random.IntN(20) {
		if b.over() {
			return nil
		}
		begin := time.Now()
		_ = conn.SetDeadline(begin.Add(2 * system.Patience))
		if err := one(conn, in, random); err != nil {
			return fmt.Errorf("%w (after %v)", err, time.Since(begin).Round(time.Millisecond))
		}
		b.answered.Add(1)
	}
	return nil
}

// one makes a request and checks the answer.
func one(conn net.Conn, in *bufio.Reader, random *rand.Rand) error {
	body := make([]byte, random.IntN(1<<random.IntN(17)))
	for i := range body {
		body[i] = byte(random.Uint32())
	}
	request, want := "GET / HTTP/1.1\r\nHost: x\r\n\r\n", []byte("Hello, World!")
	switch random.IntN(4) {
	case 0:
		request = fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		want = body
	case 1:
		sum := sha256.Sum256(body)
		request = fmt.Sprintf("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		want = fmt.Appendf(nil, "{\"bytes\":%d,\"sha256\":\"%s\"}\n", len(body), hex.EncodeToString(sum[:]))
	case 2:
		n := len(body)
		request = fmt.Sprintf("GET /bytes?n=%d HTTP/1.1\r\nHost: x\r\n\r\n", n)
		want = bytes.Repeat([]byte(pattern), n/len(pattern)+1)[:n]
	}
	name, _, _ := bytes.Cut([]byte(request), []byte("\r\n"))
	writing := make(chan error, 1)
	go func() {
		_, err := io.WriteString(conn, request)
		writing <- err
	}()
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		conn.Close() // ends the writing
		return fmt.Errorf("%s: no answer: %w; writing: %w", name, err, <-writing)
	}
	got, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !bytes.Equal(got, want) {
		conn.Close()
		return fmt.Errorf("%s with %d bytes: %s, %d bytes, want %d; %w; writing: %w", name, len(body), answer.Status, len(got), len(want), err, <-writing)
	}
	return <-writing
}

// pattern is what /bytes repeats.
const pattern = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
