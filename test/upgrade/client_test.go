package upgrade

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

func TestMain(m *testing.M) { os.Exit(system.Main(m)) }

// crowd is clients that ask without a pause, each over one connection at a time, which is left only when an answer has
// said so. Whatever else ends a connection, and each refused one, is an error: no request may be lost.
type crowd struct {
	t         *testing.T
	safe      bool // only GETs, which survive the death of a worker
	stop      chan struct{}
	all       sync.WaitGroup
	answers   atomic.Int64
	reconnect atomic.Int64
	each      []atomic.Int64 // by client

	mu       sync.Mutex
	releases map[string]int
}

// gather starts the clients, which share the addresses: network and address.
func gather(t *testing.T, clients int, addresses ...[2]string) *crowd {
	t.Helper()
	return gatherKind(t, clients, false, addresses)
}

func gatherKind(t *testing.T, clients int, safe bool, addresses [][2]string) *crowd {
	t.Helper()
	c := &crowd{t: t, safe: safe, stop: make(chan struct{}), each: make([]atomic.Int64, clients), releases: make(map[string]int)}
	for i := range clients {
		address := addresses[i%len(addresses)]
		c.all.Go(func() {
			one := &client{crowd: c, address: address, random: rand.New(rand.NewPCG(uint64(i), 11))}
			if err := one.run(&c.each[i]); err != nil {
				t.Errorf("client %d of %s: %v", i, address, err)
			}
		})
	}
	return c
}

// disperse ends the clients.
func (c *crowd) disperse() {
	close(c.stop)
	c.all.Wait()
	c.t.Logf("%d answers, %d times the connection was to be left", c.answers.Load(), c.reconnect.Load())
}

// waitForEach waits until each client has had an answer to a request that it had not sent when the wait began.
func (c *crowd) waitForEach() {
	c.t.Helper()
	before := make([]int64, len(c.each))
	for i := range c.each {
		before[i] = c.each[i].Load()
	}
	system.Eventually(c.t, "answers to all clients", func() bool {
		for i := range c.each {
			if c.each[i].Load() < before[i]+2 && !c.t.Failed() {
				return false
			}
		}
		return true
	})
}

// client has one connection at a time.
type client struct {
	crowd   *crowd
	address [2]string
	conn    net.Conn
	in      *bufio.Reader
	random  *rand.Rand
}

func (c *client) run(answers *atomic.Int64) error {
	defer func() {
		if c.conn != nil {
			_ = c.conn.Close()
		}
	}()
	kinds := []func() error{c.hello, c.who, c.sleep}
	if !c.crowd.safe {
		kinds = append(kinds, c.echo)
	}
	for i := c.random.IntN(len(kinds)); ; i++ {
		select {
		case <-c.crowd.stop:
			return nil
		default:
		}
		if err := kinds[i%len(kinds)](); err != nil {
			return fmt.Errorf("request %d: %w", answers.Load()+1, err)
		}
		answers.Add(1)
		c.crowd.answers.Add(1)
	}
}

func (c *client) ask(method, path string, body []byte) ([]byte, error) {
	if c.conn == nil {
		conn, err := net.Dial(c.address[0], c.address[1])
		if err != nil {
			return nil, err
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(system.Patience))
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n", method, path)
	if body != nil {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := c.conn.Write(append([]byte(head+"\r\n"), body...)); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w after %d bytes", method, path, err, len(got))
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s %s: %s %q", method, path, answer.Status, got)
	}
	if answer.Close {
		_ = c.conn.Close()
		c.conn = nil
		c.crowd.reconnect.Add(1)
	}
	return got, nil
}

func (c *client) hello() error {
	got, err := c.ask("GET", "/", nil)
	if err == nil && string(got) != "Hello, World!" {
		err = fmt.Errorf("answer %q", got)
	}
	return err
}

func (c *client) sleep() error {
	_, err := c.ask("GET", "/sleep?ms=20", nil)
	return err
}

func (c *client) echo() error {
	body := make([]byte, 1+c.random.IntN(1<<c.random.IntN(18)))
	for i := range body {
		body[i] = byte(c.random.Uint32())
	}
	got, err := c.ask("POST", "/echo", body)
	if err == nil && !bytes.Equal(got, body) {
		err = fmt.Errorf("the echo of %d bytes has %d others", len(body), len(got))
	}
	return err
}

// who asks for the release.
func (c *client) who() error {
	got, err := c.ask("GET", "/pid", nil)
	if err != nil {
		return err
	}
	var answer struct{ Release string }
	if err := json.Unmarshal(got, &answer); err != nil || answer.Release == "" {
		return fmt.Errorf("answer %q: %w", got, err)
	}
	c.crowd.mu.Lock()
	defer c.crowd.mu.Unlock()
	c.crowd.releases[answer.Release]++
	return nil
}
