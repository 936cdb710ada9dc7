package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// launchFile starts a gateway with a configuration file of this content and returns the file's name.
func launchFile(t *testing.T, content string, flags ...string) (*process, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "gw.toml")
	rewrite(t, name, content)
	return launch(t, append([]string{"-c", name}, flags...)...), name
}

func rewrite(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload lets the gateway read its file again, and waits for the outcome.
func (p *process) reload(name, content string) {
	p.t.Helper()
	rewrite(p.t, name, content)
	before := p.stats().Config
	p.signal(syscall.SIGHUP)
	eventually(p.t, "a reload", func() bool {
		after := p.stats().Config
		return after.Reloads+after.Failures > before.Reloads+before.Failures
	})
}

// stream is a kept-alive connection.
type stream struct {
	t      *testing.T
	conn   net.Conn
	reader *bufio.Reader
}

func dialStream(t *testing.T, p *process) *stream {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &stream{t, conn, bufio.NewReader(conn)}
}

func (s *stream) exchange(request string) (int, string) {
	s.t.Helper()
	_ = s.conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(s.conn, request); err != nil {
		s.t.Fatal(err)
	}
	response, err := http.ReadResponse(s.reader, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestHangupPutsTheFileInForce(t *testing.T) {
	p, name := launchFile(t, "loops = 1\nmax-body = 1000\nhead-timeout = '1h'\n", "--worker", workerBinary)
	p.workerPid()
	kept := dialStream(t, p)
	post := "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
	if status, body := kept.exchange(post); status != 200 || body != "hello" {
		t.Fatalf("%d %q", status, body)
	}
	waiting := dialStream(t, p) // its head is never complete
	if _, err := io.WriteString(waiting.conn, "GET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	if got := p.stats().Config; got == nil || got.File != name || got.Reloads != 0 || got.LastError != "" {
		t.Fatalf("config %+v", got)
	}

	limited := "loops = 2\nmax-body = 4\nhead-timeout = '1h'\n"
	p.reload(name, limited+"native-path = ['/ping=other']\nlog-format = 'json'\n")
	got := p.stats().Config
	if got.Reloads != 1 || got.Failures != 0 || len(got.NeedsRestart) != 1 || got.NeedsRestart[0] != "loops" {
		t.Errorf("config %+v", got)
	}
	// The connection of before is open, and has the new limit as soon as its loop has taken it.
	eventually(t, "the new limit", func() bool {
		status, _ := kept.exchange(post)
		return status == 413
	})
	// --native-path on the command line goes before the file's.
	expectBody(t, p.url+"/ping", "pong")
	p.reload(name, strings.Replace(limited, "1h", "50ms", 1))
	_ = waiting.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if answer, err := io.ReadAll(waiting.conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("%q %v, want the new timeout", answer, err)
	}
	p.reload(name, limited)
	if len(p.stats().Loops) != 1 {
		t.Error("the number of loops has changed")
	}
	for _, want := range []string{
		`"key":"max-body","old":"1000","new":"4"`, `"msg":"configuration value needs a restart","key":"loops","running":"1","file":"2"`,
	} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}

	// An invalid file changes nothing, and is named with the line.
	p.reload(name, "max-body = 8\n\nloops = 0\n")
	got = p.stats().Config
	if want := name + ":3: loops 0 is out of range"; got.Reloads != 3 || got.Failures != 1 || !strings.HasPrefix(got.LastError, want) || !strings.Contains(p.stderr.String(), want) {
		t.Errorf("config %+v", got)
	}
	if status, _ := dialStream(t, p).exchange(post); status != 413 {
		t.Errorf("status %d, want 413 as before", status)
	}
	p.reload(name, "max-body = 8\n")
	eventually(t, "the limit of the mended file", func() bool {
		status, body := dialStream(t, p).exchange(post)
		return status == 200 && body == "hello"
	})
	if got := p.stats().Config; got.Reloads != 4 || got.Failures != 1 || got.LastError != "" {
		t.Errorf("config %+v", got)
	}
	p.signal(syscall.SIGTERM)
	p.expectEnd(0, 5*time.Second)
}

// Under load every request is answered, by one configuration or the other.
func TestReloadsUnderLoadFailNoRequest(t *testing.T) {
	// launch gives a --native-path on the command line, which the file could not change.
	file := func(n int) string {
		return fmt.Sprintf("fields = %d\nidle-timeout = '%dm'\nserver-name = 'n%d'\nmax-connections = %d\n", 50+n, 1+n, n, 1000+n)
	}
	p, name := launchFile(t, file(0), "--worker", workerBinary, "--loops", "2")
	p.workerPid()
	var stop atomic.Bool
	var answered atomic.Uint64
	var clients sync.WaitGroup
	failures := make(chan error, 8)
	for i := range 8 {
		path, want := "/", "Hello, World!"
		if i%2 == 0 {
			path, want = "/ping", "pong"
		}
		clients.Go(func() {
			// Kept-alive connections, each client its own.
			own := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: 20 * time.Second}
			defer own.CloseIdleConnections()
			for !stop.Load() {
				response, err := own.Get(p.url + path)
				if err != nil {
					failures <- err
					return
				}
				body, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if err != nil || response.StatusCode != 200 || string(body) != want || !strings.HasPrefix(response.Header.Get("Server"), "n") {
					failures <- fmt.Errorf("GET %s: %d %q %v, Server %q", path, response.StatusCode, body, err, response.Header.Get("Server"))
					return
				}
				answered.Add(1)
			}
		})
	}
	var accepted uint64
	for n := 1; n <= 20; n++ {
		before := answered.Load()
		p.reload(name, file(n))
		eventually(t, "requests after a reload", func() bool { return answered.Load() > before+20 || len(failures) > 0 })
	}
	stop.Store(true)
	clients.Wait()
	close(failures)
	for _, loop := range p.stats().Loops {
		accepted += loop.ConnectionsAccepted
	}
	if accepted > 8 {
		t.Errorf("%d connections of 8 clients: reloads have closed some", accepted)
	}
	eventually(t, "the last file's header", func() bool {
		response, err := client.Get(p.url + "/ping")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.Header.Get("Server") == "n20"
	})
	for err := range failures {
		t.Error(err)
	}
	if got := p.stats().Config; got.Reloads != 20 || got.Failures != 0 {
		t.Errorf("config %+v", got)
	}
}

func TestNativePathsOfTheFileChange(t *testing.T) {
	directory := t.TempDir()
	name := filepath.Join(directory, "gw.toml")
	common := fmt.Sprintf("listen = ['unix:%s/h']\nadmin = '127.0.0.1:0'\nsocket = '%s/s'\nqueue-deadline = '50ms'\n", directory, directory)
	rewrite(t, name, common+"native-path = ['/ping=one']\n")
	own := start(t, "serve", "-c", name)
	overUnix := unixClient(filepath.Join(directory, "h"))
	body := func(path string) string {
		t.Helper()
		response, err := overUnix.Get("http://localhost" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if got := body("/ping"); got != "one" {
		t.Fatalf("%q", got)
	}
	own.reload(name, common+"[native-path]\n'/ping' = 'two'\n'/more' = 'three'")
	eventually(t, "the new path", func() bool { return body("/more") == "three" })
	if got := body("/ping"); got != "two" {
		t.Errorf("%q, want the new text", got)
	}
	own.signal(syscall.SIGTERM)
	own.expectEnd(0, 5*time.Second)
}

func TestHangupWithoutAFileIsHarmless(t *testing.T) {
	p := launch(t)
	for range 3 {
		p.signal(syscall.SIGHUP)
	}
	eventually(t, "the log line", func() bool {
		return strings.Contains(p.stderr.String(), "no configuration file was given (--config)")
	})
	expectBody(t, p.url+"/ping", "pong")
	if got := p.stats().Config; got.File != "" || got.Reloads != 0 || got.Failures != 0 {
		t.Errorf("config %+v", got)
	}
	p.signal(syscall.SIGTERM)
	p.expectEnd(0, 5*time.Second)
}

// The smallest arena that is accepted takes a head as large as the limits allow.
func TestTheLargestHeadFitsTheSmallestArena(t *testing.T) {
	p := launch(t, "--exchanges", "1", "--loops", "1", "--arena-size", "128KiB", "--queue-deadline", "10s", "--worker", workerBinary)
	p.workerPid()
	line := "GET /" + strings.Repeat("a", 8<<10-len("GET / HTTP/1.1")) + " HTTP/1.1\r\n"
	head := "Host: x\r\n"
	for i := range 97 {
		head += fmt.Sprintf("X-%02d: y\r\n", i)
	}
	head += "Large: "
	head += strings.Repeat("z", 32<<10-len(head)-len("\r\n")) + "\r\n"
	s := dialStream(t, p)
	for range 3 {
		// The example has no such page; what counts is that its worker says so.
		if status, body := s.exchange(line + head + "\r\n"); status != 404 {
			t.Fatalf("status %d %q, want the worker's 404", status, body)
		}
	}
}
