package bridge

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ringway/envmap"
	"ringway/ring"
	"ringway/ring/ringtest"
)

var offer = ringtest.Request{Upgrade: true, Fields: []string{"Connection", "upgrade", "Upgrade", "test"}}

const rawHead = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\nX-A: b\r\n\r\n"

// switched takes a connection over as libraries do that write the head first.
func switched(t *testing.T, w http.ResponseWriter) net.Conn {
	w.Header().Set("Upgrade", "test")
	w.Header().Set("X-A", "b")
	w.WriteHeader(http.StatusSwitchingProtocols)
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("Hijack: %v", err)
	}
	return c
}

// byHand takes a connection over as libraries do that write the head themselves.
func byHand(t *testing.T, w http.ResponseWriter, pieces ...string) net.Conn {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Errorf("Hijack: %v", err)
		return nil
	}
	for _, p := range pieces {
		if n, err := io.WriteString(c, p); err != nil || n != len(p) {
			t.Errorf("writing %q: %d bytes, %v", p, n, err)
		}
	}
	return c
}

// begun starts a request and waits for its 101: before it nothing of the stream may be sent.
func begun(t *testing.T, x *harness) *ringtest.Exchange {
	t.Helper()
	ex := x.Start(offer)
	if a, err := ex.WaitFor(func(a *ringtest.Answer) bool { return a.Begun }); err != nil || a.Aborted {
		t.Fatalf("%v, aborted: %v", err, a.Aborted)
	}
	return ex
}

func echo(t *testing.T, c net.Conn) {
	if _, err := io.Copy(c, c); err != nil {
		t.Errorf("echo: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestHijackCarriesBytesBothWays(t *testing.T) {
	bytewise := strings.Split(rawHead, "")
	tests := map[string]func(w http.ResponseWriter) net.Conn{
		"head by WriteHeader":     func(w http.ResponseWriter) net.Conn { return switched(t, w) },
		"head by hand":            func(w http.ResponseWriter) net.Conn { return byHand(t, w, rawHead) },
		"head by hand, byte-wise": func(w http.ResponseWriter) net.Conn { return byHand(t, w, bytewise...) },
		"head behind interim ones": func(w http.ResponseWriter) net.Conn {
			return byHand(t, w, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"+rawHead)
		},
	}
	for name, take := range tests {
		for _, mode := range []Dispatch{Auto, Inline, Pool(2)} {
			t.Run(name+" "+mode.String(), func(t *testing.T) {
				x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) { echo(t, take(w)) }), nil, WithDispatch(mode))
				sent := bytes.Repeat([]byte("0123456789abcdef"), 20000)
				ex := begun(t, x)
				go func() {
					ex.Send(sent)
					ex.End()
				}()
				a, err := ex.Wait()
				if err != nil || a.Aborted || a.Status != 101 || a.Get("Upgrade") != "test" || a.Get("X-A") != "b" || a.Get("Connection") != "" {
					t.Fatalf("%v, %+v", err, a.Head)
				}
				if !bytes.Equal(a.Body, sent) {
					t.Fatalf("%d bytes came back, want %d", len(a.Body), len(sent))
				}
				x.settled(t)
			})
		}
	}
}

func TestHijackLivesOnBehindItsHandler(t *testing.T) {
	for _, mode := range []Dispatch{Auto, Inline, Pool(1)} {
		t.Run(mode.String(), func(t *testing.T) {
			x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					go echo(t, switched(t, w))
				}
			}), nil, WithDispatch(mode), WithMaxHandlers(1))
			ex := begun(t, x)
			for range 50 {
				x.do(t, ringtest.Request{Target: "/other"})
				ex.Send([]byte("more"))
			}
			ex.End()
			if a, err := ex.Wait(); err != nil || len(a.Body) != 200 {
				t.Fatalf("%v, %d bytes", err, len(a.Body))
			}
			x.settled(t)
		})
	}
}

// A handler that stays with its connection takes nobody's place.
func TestHijackFreesThePlaceOfItsHandler(t *testing.T) {
	for _, mode := range []Dispatch{Auto, Inline, Pool(1)} {
		t.Run(mode.String(), func(t *testing.T) {
			x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					echo(t, switched(t, w))
				}
			}), nil, WithDispatch(mode), WithMaxHandlers(1))
			var open []*ringtest.Exchange
			for range 20 {
				open = append(open, begun(t, x))
			}
			for range 20 {
				x.do(t, ringtest.Request{Target: "/other"})
			}
			for _, ex := range open {
				ex.Send([]byte("hello"))
				ex.End()
				if a, err := ex.Wait(); err != nil || string(a.Body) != "hello" {
					t.Fatalf("%v, %q", err, a.Body)
				}
			}
			for range 20 {
				x.do(t, ringtest.Request{Target: "/other"})
			}
			x.settled(t)
			for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() { // handlers return a moment behind their last event
				x.lane.lock()
				detached, running := x.lane.detached, x.lane.running
				x.lane.unlock()
				if detached == 0 && running == 0 {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%d handlers are detached and %d run", detached, running)
				}
			}
		})
	}
}

func TestHijackRefuses(t *testing.T) {
	tests := map[string]struct {
		request ringtest.Request
		before  func(w http.ResponseWriter) net.Conn
		is      error
		text    string
	}{
		"HTTP/1.0":                   {ringtest.Request{Version: 0x10}, nil, http.ErrNotSupported, "HTTP/1.0"},
		"HEAD":                       {ringtest.Request{Method: "HEAD"}, nil, http.ErrNotSupported, "HEAD"},
		"101 that was not offered":   {ringtest.Request{}, func(w http.ResponseWriter) net.Conn { w.WriteHeader(101); return nil }, http.ErrNotSupported, "Upgrade"},
		"an answer was begun":        {offer, func(w http.ResponseWriter) net.Conn { w.WriteHeader(404); return nil }, errAnswered, "begun"},
		"something was written":      {offer, func(w http.ResponseWriter) net.Conn { _, _ = w.Write([]byte("a")); return nil }, errAnswered, "begun"},
		"it was hijacked before":     {offer, func(w http.ResponseWriter) net.Conn { return byHand(t, w) }, http.ErrHijacked, "hijacked"},
		"and once more, differently": {offer, func(w http.ResponseWriter) net.Conn { return switched(t, w) }, http.ErrHijacked, "hijacked"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			errs := make(chan error, 1)
			x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
				var c net.Conn
				if test.before != nil {
					c = test.before(w)
				}
				_, _, err := w.(http.Hijacker).Hijack()
				errs <- err
				if c != nil {
					_, err := w.Write([]byte("a"))
					if !errors.Is(err, http.ErrHijacked) || !errors.Is(http.NewResponseController(w).Flush(), http.ErrHijacked) {
						t.Errorf("a write to the response behind Hijack: %v", err)
					}
					_ = c.Close()
				}
			}), nil)
			ex := x.Start(test.request)
			if err := <-errs; !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, want %v with %q", err, test.is, test.text)
			}
			if _, err := ex.Wait(); err != nil {
				t.Error(err)
			}
			x.settled(t)
		})
	}
}

func TestHijackAnswersByHand(t *testing.T) {
	tests := map[string]struct {
		pieces  []string
		status  uint16
		total   uint64
		body    string
		aborted bool
	}{
		"a length":           {[]string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"}, 200, 5, "hello", false},
		"no length":          {[]string{"HTTP/1.0 404 Not Found\r\n\r\n", "hel", "lo"}, 404, ring.LengthUnknown, "hello", false},
		"no body":            {[]string{"HTTP/1.1 204 No Content\r\n\r\n"}, 204, ring.LengthUnknown, "", false},
		"a body that is cut": {[]string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"}, 200, 9, "hello", true},
		"nothing":            {nil, 0, 0, "", true},
		"half a head":        {[]string{"HTTP/1.1 200 OK\r\n"}, 0, 0, "", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
				_ = byHand(t, w, test.pieces...).Close()
			}), nil)
			a := x.do(t, ringtest.Request{Body: []byte("ignored")})
			if a.Status != test.status || a.Begun && a.Total != test.total || string(a.Body) != test.body || a.Aborted != test.aborted {
				t.Fatalf("%+v", a)
			}
			x.settled(t)
		})
	}
}

// TestHijackKeepsThePhrase: one written by hand goes to a gateway that knows phrases, unless it is the usual one or none at all.
func TestHijackKeepsThePhrase(t *testing.T) {
	for name, test := range map[string]struct {
		head, want string
		old        bool
	}{
		"its own":            {"HTTP/1.1 200 Very Well\r\nContent-Length: 0\r\n\r\n", "Very Well", false},
		"the usual one":      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", false},
		"none":               {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "", false},
		"too long":           {"HTTP/1.1 200 " + strings.Repeat("p", 129) + "\r\nContent-Length: 0\r\n\r\n", "", false},
		"not to be sent":     {"HTTP/1.1 200 a\x01b\r\nContent-Length: 0\r\n\r\n", "", false},
		"an older gateway":   {"HTTP/1.1 200 Very Well\r\nContent-Length: 0\r\n\r\n", "", true},
		"another one of 103": {"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 299 Late\r\nContent-Length: 0\r\n\r\n", "Late", false},
	} {
		t.Run(name, func(t *testing.T) {
			x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
				_ = byHand(t, w, test.head).Close()
			}), nil)
			x.att.reasons = !test.old
			a := x.do(t, ringtest.Request{})
			if got := a.Get(":reason"); got != test.want || len(a.Fields) > 0 && a.Fields[0].Name != ":reason" || len(a.Informs) > 0 && len(a.Informs[0].Fields) > 0 {
				t.Errorf("%+v, want the phrase %q in front", a, test.want)
			}
			x.settled(t)
		})
	}
}

func TestHijackRefusesHeads(t *testing.T) {
	tests := map[string]struct{ head, text string }{
		"no status line":   {"GET / HTTP/1.1\r\n\r\n", "status line"},
		"HTTP/2":           {"HTTP/2 200 OK\r\n\r\n", "status line"},
		"a status of four": {"HTTP/1.1 1010 OK\r\n\r\n", "status line"},
		"chunked":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding"},
		"two lengths":      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "Content-Length"},
		"a negative one":   {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length"},
		"an open head":     {"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 70000), "more than"},
		"101 not offered":  {rawHead, "does not offer"},
		"a field line":     {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
				c, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				for range 2 {
					if _, err := io.WriteString(c, test.head); err == nil || !strings.Contains(err.Error(), test.text) {
						t.Errorf("Write: %v, want an error with %q", err, test.text)
					}
				}
				_ = c.Close()
			}), nil)
			if a := x.do(t, ringtest.Request{}); !a.Aborted || a.Abort != 500 || a.Begun {
				t.Fatalf("%+v", a)
			}
			x.settled(t)
		})
	}
}

// The request's body is no part of the stream, whatever was read of it.
func TestHijackWaitsForTheBody(t *testing.T) {
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		_, _ = r.Body.Read(make([]byte, 2))
		c := byHand(t, w, rawHead)
		if _, err := r.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
			t.Errorf("a read of the body behind Hijack: %v", err)
		}
		echo(t, c)
	}), nil)
	r := offer
	r.Method, r.Stream, r.Length, r.Expect = "POST", true, 8, true
	ex := x.Start(r)
	ex.Send([]byte("body"))
	if _, err := ex.WaitFor(func(a *ringtest.Answer) bool { return true }); err != nil {
		t.Fatal(err)
	}
	ex.Send([]byte("body"))
	ex.End()
	if _, err := ex.WaitFor(func(a *ringtest.Answer) bool { return a.Begun }); err != nil {
		t.Fatal(err)
	}
	ex.Send([]byte("stream"))
	ex.End()
	if a, err := ex.Wait(); err != nil || string(a.Body) != "stream" || a.Status != 101 {
		t.Fatalf("%v, %+v", err, a)
	}
	x.settled(t)
}

func TestHijackReadWriter(t *testing.T) {
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = rw.WriteString(rawHead)
		_ = rw.Flush()
		line, err := rw.ReadString('\n')
		_, _ = rw.WriteString(strings.ToUpper(line))
		if err := errors.Join(err, rw.Flush()); err != nil {
			t.Error(err)
		}
	}), nil)
	ex := begun(t, x)
	ex.Send([]byte("hello\n"))
	if a, err := ex.Wait(); err != nil || string(a.Body) != "HELLO\n" {
		t.Fatalf("%v, %q", err, a.Body)
	}
}

func TestHijackedWritersOfManyGoroutines(t *testing.T) {
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		c := switched(t, w)
		go func() {
			defer c.Close()
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					line := strings.Repeat(string(rune('a'+i)), 6000) + "\n"
					for range 20 {
						if _, err := io.WriteString(c, line); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
		}()
	}), nil)
	var open []*ringtest.Exchange
	for range 16 {
		open = append(open, x.Start(offer))
	}
	for _, ex := range open {
		a, err := ex.Wait()
		if err != nil || a.Aborted {
			t.Fatal(err, a.Aborted)
		}
		lines := bufio.NewScanner(bytes.NewReader(a.Body))
		n := 0
		for lines.Scan() {
			if l := lines.Text(); len(l) != 6000 || strings.Trim(l, l[:1]) != "" {
				t.Fatalf("a line of %d bytes is torn", len(l))
			}
			n++
		}
		if n != 80 {
			t.Fatalf("%d lines, want 80", n)
		}
	}
	x.settled(t)
}

type upgradeEnv struct{ *envExchange }

func TestEnvExchangeUpgrades(t *testing.T) {
	streams := make(chan envmap.Stream, 1)
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		e := upgradeEnv{new(envExchange).begin(w.(*response).ex)}
		s, err := e.Upgrade(&envmap.ResponseHead{Status: 101, Fields: []envmap.Field{{Name: "Upgrade", Value: "test"}}, Length: envmap.LengthUnknown})
		if r.URL.Path == "/plain" {
			if !errors.Is(err, envmap.ErrUpgrade) {
				t.Errorf("%v, want %v", err, envmap.ErrUpgrade)
			}
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		w.(*response).hijacked = true
		streams <- s
	}), nil)
	x.do(t, ringtest.Request{Target: "/plain"})
	ex := begun(t, x)
	s := <-streams
	ex.Send([]byte("hello"))
	ex.End()
	echo(t, s.(net.Conn))
	if a, err := ex.Wait(); err != nil || a.Status != 101 || a.Get("Upgrade") != "test" || string(a.Body) != "hello" {
		t.Fatalf("%v, %+v", err, a)
	}
	x.settled(t)
}
