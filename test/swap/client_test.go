package swap

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

// Workers of the tests: one with routes that tell more, one that is broken in the way that it is told, and one that keeps memory for each request.
var worker, broken, growing string

func TestMain(m *testing.M) {
	os.Exit(system.Main(m, system.Program{Path: &worker, Sources: "./test/swap/worker"}, system.Program{Path: &broken, Sources: "./test/swap/broken"},
		system.Program{Path: &growing, Sources: "./test/swap/growing"}))
}

// seen is an answer that names the release it came from.
type seen struct {
	release    string
	begin, end time.Time
}

// crowd is clients that each keep one connection and ask without a pause. An error of any kind, a wrong answer, or a
// connection that the gateway ends fails the test.
type crowd struct {
	t       *testing.T
	addr    string
	stop    chan struct{}
	all     sync.WaitGroup
	answers atomic.Int64
	each    []atomic.Int64 // by client

	mu   sync.Mutex
	seen []seen
}

// gather starts the clients. Each asks one of kinds in turn.
func gather(t *testing.T, g *system.Gateway, clients int, kinds ...func(*client) error) *crowd {
	t.Helper()
	c := &crowd{t: t, addr: g.Addr, stop: make(chan struct{}), each: make([]atomic.Int64, clients)}
	for i := range clients {
		c.all.Go(func() {
			if err := c.run(uint64(i), kinds); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
		})
	}
	return c
}

// disperse ends the clients and returns how many answers they had.
func (c *crowd) disperse() int64 {
	close(c.stop)
	c.all.Wait()
	return c.answers.Load()
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

func (c *crowd) run(seed uint64, kinds []func(*client) error) error {
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	one := &client{crowd: c, conn: conn, in: bufio.NewReader(conn), random: rand.New(rand.NewPCG(seed, 7))}
	for i := 0; ; i++ {
		select {
		case <-c.stop:
			return nil
		default:
		}
		_ = conn.SetDeadline(time.Now().Add(system.Patience))
		if err := kinds[i%len(kinds)](one); err != nil {
			return fmt.Errorf("request %d: %w", i+1, err)
		}
		c.answers.Add(1)
		c.each[seed].Add(1)
	}
}

// client is one connection.
type client struct {
	crowd  *crowd
	conn   net.Conn
	in     *bufio.Reader
	random *rand.Rand
}

// ask wants 200, and a connection that is kept.
func (c *client) ask(method, path string, body []byte) ([]byte, error) {
	status, got, err := c.exchange(method, path, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s %s: status %d %q", method, path, status, got)
	}
	return got, err
}

// exchange gives the whole answer.
func (c *client) exchange(method, path string, body []byte) (status int, got []byte, err error) {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n", method, path)
	if body != nil {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := c.conn.Write(append([]byte(head+"\r\n"), body...)); err != nil {
		return 0, nil, err
	}
	answer, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return 0, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer answer.Body.Close()
	got, err = io.ReadAll(answer.Body)
	switch {
	case err != nil:
		err = fmt.Errorf("%s %s: %w after %d bytes", method, path, err, len(got))
	case answer.Close:
		err = fmt.Errorf("%s %s: %s, and the connection is not kept", method, path, answer.Status)
	}
	return answer.StatusCode, got, err
}

func hello(c *client) error {
	got, err := c.ask("GET", "/", nil)
	if err == nil && string(got) != "Hello, World!" {
		err = fmt.Errorf("answer %q", got)
	}
	return err
}

func sleep(c *client) error {
	_, err := c.ask("GET", "/sleep?ms=20", nil)
	return err
}

// few asks for an answer that leaves a worker whole or not at all, also where its window is at its least.
func few(c *client) error {
	n := 1 + c.random.IntN(3000)
	got, err := c.ask("GET", fmt.Sprintf("/bytes?n=%d", n), nil)
	if err == nil && len(got) != n {
		err = fmt.Errorf("%d bytes, expected %d", len(got), n)
	}
	return err
}

func (c *client) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(c.random.Uint32())
	}
	return b
}

func echo(c *client) error {
	body := c.bytes(1 + c.random.IntN(1<<c.random.IntN(17)))
	got, err := c.ask("POST", "/echo", body)
	if err == nil && !bytes.Equal(got, body) {
		err = fmt.Errorf("the echo of %d bytes has %d others", len(body), len(got))
	}
	return err
}

// who asks for the release and notes when.
func who(c *client) error {
	begin := time.Now()
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
	c.crowd.seen = append(c.crowd.seen, seen{answer.Release, begin, time.Now()})
	return nil
}
