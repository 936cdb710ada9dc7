package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const goodBody = `{"pid":7,"release":"r1"}` + "\n"

func goodAnswer() string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(goodBody), goodBody)
}

// serveOnce accepts connections and lets each be served by the next of the given functions, after one request was read.
func serveOnce(t *testing.T, each ...func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for _, serve := range each {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				serve(conn)
			}
		}
	}()
	return listener.Addr().String()
}

func alone(address string) *client {
	c := &client{crowd: &crowd{address: address, seen: map[int]time.Time{}}}
	c.peek = c.look
	return c
}

func TestClientCountsWhatGoesWrong(t *testing.T) {
	text := func(answer string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}
	for name, test := range map[string]struct {
		serve func(net.Conn)
		ok    bool
		want  tally
	}{
		"a good answer":        {text(goodAnswer()), true, tally{}},
		"told to close":        {text(strings.Replace(goodAnswer(), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)), true, tally{Closed: 1}},
		"another status":       {text("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno"), false, tally{Status: 1}},
		"no answer":            {text(""), false, tally{Cut: 1}},
		"half a head":          {text("HTTP/1.1 200 OK\r\nCont"), false, tally{Cut: 1}},
		"half a body":          {text(strings.TrimSuffix(goodAnswer(), "}\n")), false, tally{Cut: 1}},
		"another body":         {text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"), false, tally{Wrong: 1}},
		"two answers":          {text(goodAnswer() + goodAnswer()), false, tally{Wrong: 1}},
		"no HTTP":              {text("SSH-2.0\r\n\r\n"), false, tally{Wrong: 1}},
		"a body without bound": {text("HTTP/1.1 200 OK\r\n\r\n" + goodBody), false, tally{Wrong: 1}},
		"an endless body":      {text("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"), false, tally{Wrong: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			c := alone(serveOnce(t, test.serve))
			defer c.drop()
			if ok := c.ask(); ok != test.ok || c.tally != test.want {
				t.Errorf("answered %v, counted %+v, expected %v, %+v", ok, c.tally, test.ok, test.want)
			}
		})
	}
}

// TestClientSeesWhatCameWhileItWasIdle: a connection that ended, or on which something came, is not asked on.
func TestClientSeesWhatCameWhileItWasIdle(t *testing.T) {
	kept := func(conn net.Conn) { _, _ = io.WriteString(conn, goodAnswer()) }
	for name, test := range map[string]struct {
		after func(net.Conn)
		found error
		want  tally
	}{
		"the end":      {func(conn net.Conn) { _ = conn.Close() }, io.EOF, tally{Closed: 1}},
		"other answer": {func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 408 Late\r\n\r\n") }, errStrange, tally{Wrong: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			answeredOnce := make(chan struct{})
			c := alone(serveOnce(t, func(conn net.Conn) {
				kept(conn)
				<-answeredOnce
				test.after(conn)
			}, kept))
			defer c.drop()
			if !c.ask() {
				t.Fatalf("the first request failed: %+v", c.tally)
			}
			close(answeredOnce)
			for deadline := time.Now().Add(10 * time.Second); !errors.Is(c.idle, test.found); time.Sleep(time.Millisecond) {
				if err := c.raw.Read(c.peek); err != nil || time.Now().After(deadline) {
					t.Fatalf("found %v, %v, expected %v", c.idle, err, test.found)
				}
			}
			if !c.ask() || c.tally != test.want {
				t.Errorf("counted %+v, expected a good answer and %+v", c.tally, test.want)
			}
		})
	}
}

func TestClientCountsRefusals(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	c := alone(listener.Addr().String())
	if c.ask() || c.tally != (tally{Refused: 1}) {
		t.Errorf("counted %+v, expected one refusal", c.tally)
	}
}

// TestCrowdCountsEveryRequest: what a server has answered is what the crowd has counted.
func TestCrowdCountsEveryRequest(t *testing.T) {
	for name, rate := range map[string]float64{"paced": 2000, "as fast as it goes": 0} {
		t.Run(name, func(t *testing.T) {
			var served atomic.Int64
			enough := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := served.Add(1)
				if n%10 == 0 {
					w.WriteHeader(http.StatusBadGateway)
				}
				_, _ = io.WriteString(w, goodBody)
				if n == 200 {
					close(enough)
				}
			}))
			defer server.Close()
			c := gather(strings.TrimPrefix(server.URL, "http://"), 4, rate, 0)
			<-enough
			var run deployRun
			run.fill(c, c.disperse())
			if total := served.Load(); run.Failed != (tally{Status: total / 10}) || run.Requests != total-total/10 {
				t.Errorf("%d answers and %+v, the server has served %d", run.Requests, run.Failed, total)
			}
			if _, known := c.seen[7]; !known || len(c.seen) != 1 {
				t.Errorf("answers came from %v, expected process 7", c.seen)
			}
			if run.P50 > run.P99 || run.P99 > run.Max || run.Max <= 0 || run.Gap <= 0 || run.Wait <= 0 {
				t.Errorf("implausible figures: %+v", run)
			}
		})
	}
}
