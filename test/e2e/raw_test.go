package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// raw is a client that writes bytes as the test wants them.
type raw struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, g *system.Gateway) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(system.Patience)); err != nil {
		t.Fatal(err)
	}
	return &raw{t, conn, bufio.NewReader(conn)}
}

func (r *raw) send(format string, arguments ...any) {
	r.t.Helper()
	if _, err := fmt.Fprintf(r.conn, format, arguments...); err != nil {
		r.t.Fatal(err)
	}
}

// head reads an answer's head; its Body is read from the connection.
func (r *raw) head(method string) *http.Response {
	r.t.Helper()
	answer, err := http.ReadResponse(r.in, &http.Request{Method: method})
	if err != nil {
		r.t.Fatalf("no answer to %s: %v", method, err)
	}
	return answer
}

// answer reads an answer and its body.
func (r *raw) answer(method string) (*http.Response, string) {
	r.t.Helper()
	answer := r.head(method)
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatalf("body of %s: %v after %d bytes", answer.Status, err, len(body))
	}
	return answer, string(body)
}

// closed expects that the gateway closes the connection without another byte. The client then closes it too, without
// which the gateway would linger.
func (r *raw) closed() {
	r.t.Helper()
	rest, err := io.ReadAll(r.in)
	if err != nil || len(rest) != 0 {
		r.t.Errorf("the connection should be closed in order; got %q, %v", rest, err)
	}
	_ = r.conn.Close()
}

func TestConnections(t *testing.T) {
	everyWorker(t, func(t *testing.T, g *system.Gateway) {
		t.Run("keep-alive", func(t *testing.T) {
			r := dial(t, g)
			for range 3 {
				r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				if answer, body := r.answer("GET"); answer.StatusCode != 200 || body != "Hello, World!" || answer.Close {
					t.Errorf("%s %q", answer.Status, body)
				}
			}
			r.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			if answer, body := r.answer("GET"); body != "Hello, World!" || !answer.Close {
				t.Errorf("%v %q: want Connection: close", answer.Header, body)
			}
			r.closed()
		})
		t.Run("http-1.0", func(t *testing.T) {
			r := dial(t, g)
			r.send("GET / HTTP/1.0\r\n\r\n")
			if answer, body := r.answer("GET"); answer.StatusCode != 200 || body != "Hello, World!" {
				t.Errorf("%s %q", answer.Status, body)
			}
			r.closed()
			r = dial(t, g)
			for range 2 {
				r.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
				if answer, body := r.answer("GET"); body != "Hello, World!" || answer.Header.Get("Connection") != "keep-alive" {
					t.Errorf("%v %q", answer.Header, body)
				}
			}
			// The length is not known: the end of the connection tells it.
			r.send("GET /stream?n=3 HTTP/1.0\r\n\r\n")
			answer := r.head("GET")
			body, err := io.ReadAll(answer.Body)
			if string(body) != "chunk 0\nchunk 1\nchunk 2\n" || err != nil || len(answer.TransferEncoding) != 0 || answer.ContentLength >= 0 {
				t.Errorf("%v %q %v", answer.Header, body, err)
			}
		})
		t.Run("pipelined", func(t *testing.T) {
			r := dial(t, g)
			const n = 40
			var text strings.Builder
			for i := range n {
				ms := 0
				if i%7 == 0 {
					ms = 5 // later answers are ready before earlier ones
				}
				if i%2 == 0 {
					fmt.Fprintf(&text, "GET /sleep?ms=%d HTTP/1.1\r\nHost: x\r\n\r\n", ms)
				} else {
					fmt.Fprintf(&text, "GET /bytes?n=%d HTTP/1.1\r\nHost: x\r\n\r\n", i*100)
				}
			}
			text.WriteString("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nlast")
			text.WriteString("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			r.send("%s", text.String())
			for i := range n {
				answer, body := r.answer("GET")
				if i%2 == 0 && !strings.HasPrefix(body, "slept ") || i%2 == 1 && len(body) != i*100 || answer.StatusCode != 200 {
					t.Fatalf("answer %d: %s, %d bytes", i, answer.Status, len(body))
				}
			}
			if _, body := r.answer("POST"); body != "last" {
				t.Errorf("%q", body)
			}
			if _, body := r.answer("GET"); body != "Hello, World!" {
				t.Errorf("%q", body)
			}
		})
		t.Run("bodiless", func(t *testing.T) {
			r := dial(t, g)
			for _, test := range []struct {
				method, path string
				status       int
				length       string
			}{
				{"HEAD", "/", 200, "13"}, {"HEAD", "/bytes?n=100000", 200, "100000"}, {"HEAD", "/stream?n=3", 200, ""},
				{"GET", "/status?code=204", 204, ""}, {"GET", "/status?code=304", 304, ""}, {"HEAD", "/nope", 404, "17"},
			} {
				r.send("%s %s HTTP/1.1\r\nHost: x\r\n\r\n", test.method, test.path)
				answer, body := r.answer(test.method)
				if answer.StatusCode != test.status || body != "" || answer.Header.Get("Content-Length") != test.length {
					t.Errorf("%s %s: %s, %v, %q", test.method, test.path, answer.Status, answer.Header, body)
				}
				if test.status == 204 && answer.Header.Get("Transfer-Encoding") != "" {
					t.Errorf("204 with Transfer-Encoding")
				}
			}
			r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, body := r.answer("GET"); body != "Hello, World!" {
				t.Errorf("%q after answers without body", body)
			}
		})
		t.Run("chunked", func(t *testing.T) {
			r := dial(t, g)
			for _, chunks := range []string{
				"5\r\nhello\r\n0\r\n\r\n", "0\r\n\r\n", "1\r\nh\r\n1;x=\"y\"\r\ne\r\n3\r\nllo\r\n0\r\nX-Trailer: t\r\n\r\n",
			} {
				for i := range 2 {
					pieces := []string{chunks}
					if i == 1 {
						pieces = strings.SplitAfter(chunks, "")
					}
					r.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/x-own\r\nTransfer-Encoding: chunked\r\n\r\n")
					for _, piece := range pieces {
						r.send("%s", piece)
					}
					answer, body := r.answer("POST")
					want := "hello"
					if strings.HasPrefix(chunks, "0") {
						want = ""
					}
					if body != want || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/x-own" {
						t.Errorf("%q: %s %q", chunks, answer.Status, body)
					}
				}
			}
		})
		t.Run("byte-by-byte", func(t *testing.T) {
			r := dial(t, g)
			for _, c := range []byte("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello") {
				r.send("%c", c)
			}
			if _, body := r.answer("POST"); !strings.Contains(body, `"bytes":5`) {
				t.Errorf("%q", body)
			}
		})
	})
}

// TestMalformed: refused with 400 (or what the framing rules say) and closed, and counted.
func TestMalformed(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true})
	tests := []struct {
		text   string
		status int
	}{
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"GET / HTTP/1.1\nHost: x\n\n", 400},
		{"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413},
		{"GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
		{"GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 33<<10) + "\r\n\r\n", 431},
		{"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na", 417},
		{"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501},
	}
	refused := 0
	for _, test := range tests {
		r := dial(t, g)
		r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n") // answered before the refusal
		r.send("%s", test.text)
		if _, body := r.answer("GET"); body != "Hello, World!" {
			t.Errorf("%.40q: %q", test.text, body)
		}
		answer, _ := r.answer("GET")
		if answer.StatusCode != test.status || !answer.Close {
			t.Errorf("%.60q: %s, close %v, want %d and close", test.text, answer.Status, answer.Close, test.status)
		}
		r.closed()
		if test.status != 413 {
			refused++
		}
	}
	// In the middle of a body.
	r := dial(t, g)
	r.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
	if rest, _ := io.ReadAll(r.in); bytes.Contains(rest, []byte("\r\n0\r\n\r\n")) {
		t.Errorf("a broken chunked body was answered as if it were whole: %q", rest)
	}
	_ = r.conn.Close()
	g.WaitIdle()
	loops := g.Stats().Loops
	counted := uint64(0)
	for _, loop := range loops {
		for _, n := range loop.Refused {
			counted += n
		}
	}
	if counted < uint64(refused) {
		t.Errorf("%d refusals are counted, want %d: %v", counted, refused, loops[0].Refused)
	}
	if !strings.Contains(g.Stderr(), "refused") && !strings.Contains(g.Stderr(), "malformed") {
		t.Error("refusals are not logged")
	}
	g.Stop()
}
