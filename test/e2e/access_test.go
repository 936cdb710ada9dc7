package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"ringway/test/e2e/system"
)

// accessLine is a line of the access log; what may be missing is a pointer.
type accessLine struct {
	RequestID string `json:"request_id"`
	Port      int    `json:"port"`

	Client, Method, Target, Host, HTTP, Origin, End string

	Status        int
	Referer       string
	UserAgent     string `json:"user_agent"`
	BytesReceived uint64 `json:"received"`
	BytesSent     uint64 `json:"sent"`
	BodyBytesSent uint64 `json:"sent_body"`
	Queue         *int64 `json:"queue_us"`
	Handler       *int64 `json:"handler_us"`
	Total         int64  `json:"total_us"`
	Worker        uint64
	Retried       bool
	Shortened     bool
	Time          string
}

func accessLines(t *testing.T, paths ...string) (lines []accessLine) {
	t.Helper()
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		scanner := bufio.NewScanner(file)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			var line accessLine
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				t.Fatalf("%s: %q: %v", path, scanner.Text(), err)
			}
			lines = append(lines, line)
		}
		if err := scanner.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// waitLines waits until the gateway has written n lines.
func waitLines(t *testing.T, g *system.Gateway, n uint64) {
	t.Helper()
	system.Eventually(t, fmt.Sprintf("%d lines of the access log", n), func() bool { return g.Stats().AccessLog.Lines >= n })
}

// accessCase is a request and what its line is to be: the zero value of a field of want means 0.
type accessCase struct {
	name   string
	send   string // "" for talk alone
	talk   func(t *testing.T, g *system.Gateway, r *raw)
	want   accessLine
	timed  bool // queue and handler times are there
	anyLen bool // sizes of the answer are not compared
}

func oneAnswer(method string) func(*testing.T, *system.Gateway, *raw) {
	return func(_ *testing.T, _ *system.Gateway, r *raw) { r.answer(method) }
}

func accessCases() []accessCase {
	const head = " HTTP/1.1\r\nHost: h.example\r\n"
	worker := func(method, target string, status int) accessLine {
		return accessLine{Method: method, Target: target, Host: "h.example", HTTP: "1.1", Status: status, Origin: "worker", End: "complete", Worker: 1}
	}
	own := func(method, target string, status int) accessLine {
		w := worker(method, target, status)
		w.Origin, w.Worker = "gateway", 0
		return w
	}
	with := func(l accessLine, change func(*accessLine)) accessLine { change(&l); return l }
	long := strings.Repeat("x", 5000)
	return []accessCase{
		{name: "fixed", send: "GET /?q=1" + head + "Referer: http://r/\"\r\nUser-Agent: a\xff\\\r\n\r\n", timed: true,
			want: with(worker("GET", "/?q=1", 200), func(l *accessLine) { l.BodyBytesSent, l.Referer, l.UserAgent = 13, "http://r/\"", "a\ufffd\\" })},
		{name: "native", send: "GET /ping" + head + "\r\n",
			want: with(own("GET", "/ping", 200), func(l *accessLine) { l.Origin, l.BodyBytesSent = "native", 4 })},
		{name: "HEAD", send: "HEAD /bytes?n=100" + head + "\r\n", talk: oneAnswer("HEAD"), timed: true, want: worker("HEAD", "/bytes?n=100", 200)},
		{name: "a large body", send: "GET /bytes?n=1000000" + head + "\r\n", timed: true,
			want: with(worker("GET", "/bytes?n=1000000", 200), func(l *accessLine) { l.BodyBytesSent = 1_000_000 })},
		{name: "chunks", send: "GET /stream?n=2" + head + "\r\n", timed: true,
			want: with(worker("GET", "/stream?n=2", 200), func(l *accessLine) { l.BodyBytesSent = 2*(8+5) + 5 })},
		{name: "until close", send: "GET /stream?n=2 HTTP/1.0\r\n\r\n", timed: true,
			want: with(worker("GET", "/stream?n=2", 200), func(l *accessLine) { l.Host, l.HTTP, l.BodyBytesSent = "", "1.0", 16 })},
		{name: "upload", send: "POST /echo" + head + "Content-Length: 5\r\n\r\nhello", timed: true,
			want: with(worker("POST", "/echo", 200), func(l *accessLine) { l.BytesReceived, l.BodyBytesSent = 5, 5 })},
		{name: "upload in chunks", send: "POST /upload" + head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", timed: true, anyLen: true,
			want: with(worker("POST", "/upload", 200), func(l *accessLine) { l.BytesReceived = 6 })},
		{name: "after 100 Continue", send: "POST /echo" + head + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", timed: true,
			talk: func(t *testing.T, _ *system.Gateway, r *raw) {
				if line, err := r.in.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
					t.Errorf("%q, %v", line, err)
				}
				_, _ = r.in.ReadString('\n')
				r.send("hello")
				r.answer("POST")
			},
			want: with(worker("POST", "/echo", 200), func(l *accessLine) { l.BytesReceived, l.BodyBytesSent = 5, 5 })},
		{name: "cannot be echoed", send: "GET /nope" + head + "\r\n", timed: true,
			want: with(worker("GET", "/nope", 404), func(l *accessLine) { l.BodyBytesSent = 17 })},
		{name: "panic", send: "GET /panic" + head + "\r\n", timed: true, anyLen: true,
			want: with(worker("GET", "/panic", 500), func(l *accessLine) { l.Origin = "gateway" })},
		{name: "garbage", send: "GARBAGE\r\n\r\n", anyLen: true, want: accessLine{Status: 400, Origin: "gateway", End: "complete"}},
		{name: "too large", send: "POST /echo" + head + "Content-Length: 2000000\r\n\r\n", talk: oneAnswer("POST"), anyLen: true, want: own("POST", "/echo", 413)},
		{name: "long texts", send: "GET /" + long + head + "Referer: " + long + "\r\nUser-Agent: " + long + "\r\n\r\n", timed: true, anyLen: true,
			want: with(worker("GET", "/"+long[:4095], 404), func(l *accessLine) { l.Referer, l.UserAgent, l.Shortened = long[:2048], long[:1024], true })},
		{name: "half a body", send: "POST /upload" + head + "Content-Length: 10\r\n\r\nabc", anyLen: true,
			talk: func(_ *testing.T, _ *system.Gateway, r *raw) {
				_ = r.conn.(*net.TCPConn).CloseWrite()
				r.answer("POST")
			},
			want: with(worker("POST", "/upload", 400), func(l *accessLine) { l.Origin, l.BytesReceived = "gateway", 3 })},
		{name: "client gone in the answer", send: "GET /bytes?n=100000000" + head + "\r\n", timed: true, anyLen: true,
			talk: func(_ *testing.T, _ *system.Gateway, r *raw) {
				r.head("GET")
				reset(r.conn)
			},
			want: with(worker("GET", "/bytes?n=100000000", 200), func(l *accessLine) { l.End = "client_gone" })},
		{name: "client gone before", send: "GET /sleep?ms=60000" + head + "\r\n",
			talk: func(t *testing.T, g *system.Gateway, r *raw) {
				system.Eventually(t, "the request in its handler", func() bool { return g.Stats().Lanes[0].Acknowledged > 0 && g.Busy() != "" })
				reset(r.conn)
			},
			want: with(worker("GET", "/sleep?ms=60000", 0), func(l *accessLine) { l.Origin, l.End = "gateway", "client_gone" })},
		{name: "client closed its side before", send: "GET /sleep?ms=60000" + head + "\r\n", timed: true, anyLen: true,
			talk: func(t *testing.T, g *system.Gateway, r *raw) {
				system.Eventually(t, "the request in its handler", func() bool { return g.Stats().Lanes[0].Acknowledged > 0 && g.Busy() != "" })
				_ = r.conn.(*net.TCPConn).CloseWrite()
				r.answer("GET")
				expectNothingRefused(t, g)
			},
			want: with(worker("GET", "/sleep?ms=60000", 499), func(l *accessLine) { l.Origin = "gateway" })},
		{name: "client closed its side in the answer", send: "GET /stream?n=2&ms=60000" + head + "\r\n", timed: true, anyLen: true,
			talk: func(t *testing.T, g *system.Gateway, r *raw) {
				r.head("GET")
				_ = r.conn.(*net.TCPConn).CloseWrite()
				_, _ = io.ReadAll(r.in)
				expectNothingRefused(t, g)
			},
			want: with(worker("GET", "/stream?n=2&ms=60000", 200), func(l *accessLine) { l.End = "client_gone" })},
		{name: "answered by a second worker", send: "GET /sleep?ms=1000" + head + "\r\n", timed: true, anyLen: true,
			talk: func(t *testing.T, g *system.Gateway, r *raw) { killBusyWorker(t, g); r.answer("GET") },
			want: with(worker("GET", "/sleep?ms=1000", 200), func(l *accessLine) { l.Worker, l.Retried = 2, true })},
		{name: "cut", send: "GET /stream?n=2&ms=60000" + head + "\r\n", timed: true, anyLen: true,
			talk: func(t *testing.T, g *system.Gateway, r *raw) {
				r.head("GET")
				killBusyWorker(t, g)
				if _, err := io.ReadAll(r.in); err == nil && g.Stats().Loops[0].Cut == 0 {
					t.Error("it was not cut")
				}
			},
			want: with(worker("GET", "/stream?n=2&ms=60000", 200), func(l *accessLine) { l.End = "cut" })},
	}
}

// expectNothingRefused: a client that goes is nobody's fault.
func expectNothingRefused(t *testing.T, g *system.Gateway) {
	t.Helper()
	if l := g.Stats().Loops[0]; len(l.Refused) != 0 || l.Cut != 0 {
		t.Errorf("refused %v, cut %d, expected none", l.Refused, l.Cut)
	}
}

// killBusyWorker waits for a request in a handler, and kills the worker.
func killBusyWorker(t *testing.T, g *system.Gateway) {
	t.Helper()
	system.Eventually(t, "a claimed request", func() bool {
		s := g.Stats()
		return len(s.Workers) == 1 && s.Workers[0].InFlight == 1 && s.Lanes[0].Depth == 0
	})
	_ = syscall.Kill(g.Stats().Workers[0].Pid, syscall.SIGKILL)
}

// TestAccessLog: each kind of request gives one line that says what happened.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	for _, c := range accessCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log")
			g := system.StartGateway(t, system.Options{Supervised: true,
				Flags: []string{"--access-log", path, "--native-path", "/ping=pong", "--max-body", "1000000"}})
			r := dial(t, g)
			r.send("%s", c.send)
			if c.talk == nil {
				c.talk = oneAnswer("GET")
			}
			c.talk(t, g, r)
			waitLines(t, g, 1)
			_ = r.conn.Close()
			g.Stop()
			lines := accessLines(t, path)
			if len(lines) != 1 {
				t.Fatalf("%d lines: %+v", len(lines), lines)
			}
			checkAccessLine(t, c, lines[0])
		})
	}
}

func checkAccessLine(t *testing.T, c accessCase, got accessLine) {
	t.Helper()
	if got.Client != "127.0.0.1" || got.Total < 0 || (got.Queue != nil) != c.timed || (got.Handler != nil) != c.timed {
		t.Errorf("client %q, times %v %v %d", got.Client, got.Queue, got.Handler, got.Total)
	}
	if c.timed && (*got.Queue < 0 || *got.Handler < 0 || *got.Queue+*got.Handler > got.Total) {
		t.Errorf("queue %d and handler %d are more than %d", *got.Queue, *got.Handler, got.Total)
	}
	if got.Time == "" || got.Status != 0 && got.BytesSent <= got.BodyBytesSent {
		t.Errorf("time %q, %d bytes sent, %d of them body", got.Time, got.BytesSent, got.BodyBytesSent)
	}
	if c.anyLen || got.End != "complete" {
		got.BodyBytesSent, c.want.BodyBytesSent = 0, 0
	}
	got.Client, got.Time, got.Queue, got.Handler, got.Total, got.BytesSent = "", "", nil, nil, 0, 0
	got.RequestID, got.Port = "", 0
	if got != c.want {
		t.Errorf("the line says\n%+v, want\n%+v", got, c.want)
	}
}

// TestAccessLogOfAPipeline: one line for each request, in their order, also for those behind the last answer.
func TestAccessLogOfAPipeline(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--access-log", path, "--access-log-format", "combined"}})
	r := dial(t, g)
	r.send("GET /bytes?n=1 HTTP/1.1\r\nHost: x\r\n\r\nGET /bytes?n=2 HTTP/1.1\r\nHost: x\r\nUser-Agent: \"\r\nConnection: close\r\n\r\nGET /bytes?n=3 HTTP/1.1\r\nHost: x\r\n\r\n")
	r.answer("GET")
	r.answer("GET")
	r.closed()
	g.Stop()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	when := regexp.MustCompile(`\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\]`)
	want := "127.0.0.1 - - [] \"GET /bytes?n=1 HTTP/1.1\" 200 1 \"-\" \"-\"\n127.0.0.1 - - [] \"GET /bytes?n=2 HTTP/1.1\" 200 2 \"-\" \"\\x22\"\n"
	if got := when.ReplaceAllString(string(text), "[]"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// askMany sends n requests over each of some connections, all of which must be answered 200.
func askMany(t *testing.T, g *system.Gateway, connections, n int, between func(i int)) {
	t.Helper()
	var group sync.WaitGroup
	for c := range connections {
		group.Add(1)
		go func() {
			defer group.Done()
			r := dial(t, g)
			defer r.conn.Close()
			for i := range n {
				if _, err := fmt.Fprintf(r.conn, "GET /?c=%d&i=%d HTTP/1.1\r\nHost: x\r\nUser-Agent: %0300d\r\n\r\n", c, i, i); err != nil {
					t.Error(err)
					return
				}
				answer, err := http.ReadResponse(r.in, nil)
				if err != nil || answer.StatusCode != 200 {
					t.Errorf("request %d of connection %d: %v", i, c, err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				if c == 0 && between != nil {
					between(i)
				}
			}
		}()
	}
	group.Wait()
}

// TestAccessLogRotation: files are moved away and opened again under load, with two loops, and each request has its line.
func TestAccessLogRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--access-log", path, "--loops", "2"}})
	const connections, requests, rotations = 8, 500, 5
	files := []string{path}
	askMany(t, g, connections, requests, func(i int) {
		if i%(requests/rotations) != 0 {
			return
		}
		moved := fmt.Sprintf("%s.%d", path, len(files))
		if err := os.Rename(path, moved); err != nil {
			t.Error(err)
		}
		files = append(files, moved)
		g.Signal(syscall.SIGUSR1)
		system.Eventually(t, "the file was opened again", func() bool { return g.Stats().AccessLog.Reopened == uint64(len(files)-1) })
	})
	g.Stop()
	seen := map[string]int{}
	for _, line := range accessLines(t, files...) {
		seen[line.Target]++
	}
	for c := range connections {
		for i := range requests {
			if target := fmt.Sprintf("/?c=%d&i=%d", c, i); seen[target] != 1 {
				t.Fatalf("%d lines for %s", seen[target], target)
			}
		}
	}
	if len(seen) != connections*requests {
		t.Errorf("%d targets, want %d", len(seen), connections*requests)
	}
}

// TestAccessLogNobodyReads: the reader of a pipe that does not read costs lines, but neither a request nor the end.
func TestAccessLogNobodyReads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--access-log", path}})
	const connections, requests = 8, 1000 // their lines are more than the pipe, what is being written and the queue hold
	askMany(t, g, connections, requests, nil)
	if dropped := g.Stats().AccessLog.DroppedSlow; dropped == 0 || dropped >= connections*requests {
		t.Errorf("%d lines were dropped", dropped)
	}
	system.Eventually(t, "a message", func() bool { return strings.Contains(g.Stderr(), "are being dropped") })
	g.Stop()
	if !strings.Contains(g.Stderr(), "the last lines of the access log are lost") {
		t.Error("nobody was told that lines were lost")
	}
}
