package native

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringway/internal/engine"
)

func testConfig() engine.Config {
	return engine.Config{Loops: 1, Settings: engine.Settings{
		NativePaths:   map[string]string{"/ping": "pong"},
		ServerName:    "ringway",
		ParkLimit:     16,
		QueueDeadline: 200 * time.Millisecond,
		PipelineDepth: 32,
		MaxBody:       1 << 20,
		LineBytes:     8192,
		HeadBytes:     32768,
		Fields:        100,
	}}
}

// startGateway runs a gateway without workers on a free loopback port.
func startGateway(t *testing.T, config engine.Config) (*Gateway, string) {
	t.Helper()
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	fds := make([]int, config.Loops)
	for i := range fds {
		fds[i] = dup(t, file)
	}
	file.Close()
	listener.Close()
	if err := g.AddListener(fds, false); err != nil {
		t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g, address
}

func exchange(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("reading the answer: %v after %q", err, answer)
	}
	return string(answer)
}

func TestNativePath(t *testing.T) {
	g, address := startGateway(t, testConfig())
	response, err := http.Get("http://" + address + "/ping")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != 200 || string(body) != "pong" || response.Header.Get("Server") != "ringway" || response.Header.Get("Date") == "" {
		t.Errorf("got %v %q %v, expected 200 pong with Server and Date", response.Status, body, response.Header)
	}
	if s := g.Stats().Loops[0]; s.NativeAnswers != 1 || s.Requests != 1 || s.Answers["2xx"] != 1 {
		t.Errorf("statistics %+v, expected one native answer", s)
	}
}

func TestPipelineAnsweredInOrder(t *testing.T) {
	_, address := startGateway(t, testConfig())
	one := "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n"
	answer := exchange(t, address, strings.Repeat(one, 9)+"GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if n := strings.Count(answer, "HTTP/1.1 200 OK\r\n"); n != 10 {
		t.Errorf("%d answers, expected 10: %q", n, answer)
	}
	if n := strings.Count(answer, "Connection: close\r\n"); n != 1 {
		t.Errorf("%d times Connection: close, expected once, in the last answer", n)
	}
}

func TestNoWorkerIs503AfterTheQueueDeadline(t *testing.T) {
	g, address := startGateway(t, testConfig())
	answer := exchange(t, address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("got %q, expected 503 with Retry-After", answer)
	}
	if s := g.Stats().Loops[0]; s.Expired != 1 || s.Parked != 0 {
		t.Errorf("expired %d, parked %d, expected 1 and 0", s.Expired, s.Parked)
	}
}

func TestParkLimit(t *testing.T) {
	config := testConfig()
	config.Settings.ParkLimit = 0
	_, address := startGateway(t, config)
	answer := exchange(t, address, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 503 ") {
		t.Errorf("got %q, expected 503 at once", answer)
	}
}

func TestRefusalIsAnsweredCountedAndTold(t *testing.T) {
	g, address := startGateway(t, testConfig())
	answer := exchange(t, address, "GET / HTTP/1.1\r\nHost : a\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") || !strings.Contains(answer, "Connection: close\r\n") {
		t.Errorf("got %q, expected 400 and close", answer)
	}
	select {
	case n := <-g.Notices():
		if n.Kind != engine.Refused || n.Status != 400 || n.Text == "" || !strings.HasPrefix(n.Client, "127.0.0.1:") {
			t.Errorf("notice %+v, expected the refusal with its client", n)
		}
	case <-time.After(10 * time.Second):
		t.Error("no notice of the refusal")
	}
	if s := g.Stats().Loops[0]; len(s.Refused) != 1 || s.Answers["4xx"] != 1 {
		t.Errorf("statistics %+v, expected one refusal", s)
	}
}

func TestStopAcceptingGoesQuiet(t *testing.T) {
	g, address := startGateway(t, testConfig())
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	g.StopAccepting()
	select {
	case n := <-g.Notices():
		if n.Kind != engine.Quiet {
			t.Errorf("notice %+v, expected Quiet", n)
		}
	case <-time.After(10 * time.Second):
		t.Error("not quiet although the only connection was idle")
	}
	if _, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		t.Error("a connection was accepted after StopAccepting")
	}
}

// The first request of a connection may be on its way when the gateway stops: it is answered if it comes within a second.
func TestStopAcceptingHearsNewConnectionsOut(t *testing.T) {
	config := testConfig()
	config.Settings.HeadTimeout = time.Minute
	for range 20 {
		g, address := startGateway(t, config)
		var conns []net.Conn
		for range 2 {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conns = append(conns, conn)
		}
		g.AnnounceStop()
		begin := time.Now()
		g.StopAccepting()
		for conn, err := net.Dial("tcp", address); err == nil; conn, err = net.Dial("tcp", address) {
			_ = conn.Close()
		}
		fmt.Fprintf(conns[0], "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conns[0]), nil)
		if time.Since(begin) > time.Second {
			continue // the test itself was too slow to tell
		}
		if err != nil || answer.StatusCode != http.StatusOK || !answer.Close {
			t.Fatalf("answer %+v, %v, expected 200 and the connection's end", answer, err)
		}
		if n, err := conns[1].Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("a connection without a request: %d bytes, %v, expected its end", n, err)
		}
		select {
		case n := <-g.Notices():
			if n.Kind != engine.Quiet {
				t.Errorf("notice %+v, expected Quiet", n)
			}
		case <-time.After(10 * time.Second):
			t.Error("not quiet")
		}
		return
	}
	t.Error("every attempt took too long to tell")
}

// TestHandOver: who is connected is told to go by an answer, and idle connections are closed only after StopAccepting.
func TestHandOver(t *testing.T) {
	g, address := startGateway(t, testConfig())
	ask := func(conn net.Conn) *http.Response {
		t.Helper()
		fmt.Fprintf(conn, "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	var conns []net.Conn
	for range 2 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if ask(conn).Close {
			t.Error("the first answer says close")
		}
		conns = append(conns, conn)
	}
	g.HandOver()
	for {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			break // the listener is closed
		}
		conn.Close()
	}
	if !ask(conns[0]).Close {
		t.Error("the answer after the handover does not say close")
	}
	select {
	case n := <-g.Notices():
		t.Errorf("notice %+v although a connection is left", n)
	default:
	}
	g.StopAccepting()
	if _, err := conns[1].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the idle connection: %v, expected its end", err)
	}
	conns[0].Close()
	select {
	case n := <-g.Notices():
		if n.Kind != engine.Quiet {
			t.Errorf("notice %+v, expected Quiet", n)
		}
	case <-time.After(10 * time.Second):
		t.Error("not quiet although no connection is left")
	}
}

func TestUnusableConfig(t *testing.T) {
	for name, change := range map[string]func(*engine.Config){
		"loops":    func(c *engine.Config) { c.Loops = 0 },
		"pipeline": func(c *engine.Config) { c.Settings.PipelineDepth = 257 },
		"fields":   func(c *engine.Config) { c.Settings.Fields = 0 },
		"bytes":    func(c *engine.Config) { c.Settings.HeadBytes = 1 << 20 },
	} {
		config := testConfig()
		change(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
