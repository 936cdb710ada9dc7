package bridge

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"testing"

	"ringway/ring/ringtest"
)

// capture serves one request and gives what the handler saw, which it may keep.
func capture(t *testing.T, req ringtest.Request) (*http.Request, []byte, ringtest.Answer) {
	t.Helper()
	var got *http.Request
	var body []byte
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}), nil)
	a := x.do(t, req)
	return got, body, a
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var server, local any
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		if got == nil {
			got = r
			server, local = r.Context().Value(http.ServerContextKey), r.Context().Value(http.LocalAddrContextKey)
		}
	}), nil)
	x.do(t, ringtest.Request{
		Method: "PATCH", Target: "/a/b?x=1&y=2",
		Fields: []string{"hOsT", "example.test:8080", "x-multi", "one", "ACCEPT", "*/*", "X-Multi", "two", "Pragma", "no-cache"},
		Remote: netip.MustParseAddrPort("[2001:db8::7]:9999"), Local: netip.MustParseAddrPort("10.0.0.1:80"), Close: true,
	})
	x.do(t, ringtest.Request{Target: "/another/target/that/overwrites", Fields: []string{"X-Multi", "zzzzzzzz"}})
	x.settled(t)
	want := http.Header{"X-Multi": {"one", "two"}, "Accept": {"*/*"}, "Pragma": {"no-cache"}, "Cache-Control": {"no-cache"}}
	switch {
	case got.Method != "PATCH", got.RequestURI != "/a/b?x=1&y=2", got.URL.Path != "/a/b", got.URL.RawQuery != "x=1&y=2",
		got.Host != "example.test:8080", got.Proto != "HTTP/1.1", got.ProtoMajor != 1, got.ProtoMinor != 1,
		got.RemoteAddr != "[2001:db8::7]:9999", !got.Close, got.ContentLength != 0, got.Body != http.NoBody:
		t.Errorf("got %+v", got)
	case !reflect.DeepEqual(got.Header, want):
		t.Errorf("header %v, want %v", got.Header, want)
	}
	if s, ok := server.(*http.Server); !ok || s != x.worker.server {
		t.Errorf("server %v", server)
	}
	if a, ok := local.(net.Addr); !ok || a.String() != "10.0.0.1:80" || a.Network() != "tcp" {
		t.Errorf("local %v", local)
	}
	if got.Context().Err() != context.Canceled {
		t.Error("the context of an answered request is not cancelled")
	}
}

// Appending to one header's values must not reach another's: they share an array.
func TestRequestHeaderValuesAreSeparate(t *testing.T) {
	r, _, _ := capture(t, ringtest.Request{Fields: []string{"A", "1", "B", "2", "Host", "h"}})
	r.Header.Add("A", "more")
	if r.Header.Get("B") != "2" {
		t.Fatalf("%v", r.Header)
	}
}

// TestAttemptHeader: only the gateway says so, however a client spells it.
func TestAttemptHeader(t *testing.T) {
	claims := []string{"X-Ringway-Attempt", "7", "x-ringway-attempt", "8", "x_ringway_Attempt", "9", "X-Ringway-Attempts", "kept"}
	for attempt, want := range []http.Header{
		{"X-Ringway-Attempts": {"kept"}},
		{"X-Ringway-Attempts": {"kept"}, AttemptHeader: {"1"}},
	} {
		r, _, _ := capture(t, ringtest.Request{Fields: claims, Attempt: uint8(attempt)})
		if !reflect.DeepEqual(r.Header, want) {
			t.Errorf("attempt %d: %v, want %v", attempt, r.Header, want)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct{ method, target string }{
		{"GET", "/"}, {"GET", "/a%20b"}, {"GET", "/a%2Fb?q"}, {"GET", "//a/b"}, {"GET", "/?"}, {"GET", "/a?b?c"},
		{"OPTIONS", "*"}, {"GET", "http://other.test/x?y=1"}, {"GET", "/[x]"}, {"GET", `/"x"`}, {"GET", "/a;b=c,d"},
		{"GET", "/%e4%bd%a0"}, {"GET", "/a'b(c)*!"},
	} {
		want, err := url.ParseRequestURI(c.target)
		if err != nil {
			t.Fatal(err)
		}
		got, _, _ := capture(t, ringtest.Request{Method: c.method, Target: c.target})
		if !reflect.DeepEqual(got.URL, want) {
			t.Errorf("%s: got %#v, want %#v", c.target, got.URL, want)
		}
	}
	r, _, _ := capture(t, ringtest.Request{Target: "http://other.test/x", Fields: []string{"Host", "example.test"}})
	if r.Host != "other.test" {
		t.Errorf("host %q", r.Host)
	}
}

func TestBodies(t *testing.T) {
	big := make([]byte, 300_000)
	for i := range big {
		big[i] = byte(i * 7 >> 3)
	}
	for _, c := range []struct {
		name   string
		req    ringtest.Request
		length int64
	}{
		{"with the head", ringtest.Request{Method: "POST", Body: big[:500]}, 500},
		{"large", ringtest.Request{Method: "POST", Body: big}, 300_000},
		{"chunked", ringtest.Request{Method: "POST", Body: big[:100_000], Chunked: true}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, body, a := capture(t, c.req)
			if a.Status != 200 || string(body) != string(c.req.Body) || r.ContentLength != c.length {
				t.Fatalf("status %d, %d bytes, length %d", a.Status, len(body), r.ContentLength)
			}
			if c.length < 0 && fmt.Sprint(r.TransferEncoding) != "[chunked]" {
				t.Errorf("transfer encoding %v", r.TransferEncoding)
			}
		})
	}
}

func TestRequestTrailers(t *testing.T) {
	r, body, _ := capture(t, ringtest.Request{
		Method: "POST", Body: []byte("data"), Chunked: true, Fields: []string{"Host", "h", "Trailer", "X-Sum, x-other"},
		Trailers: []string{"X-Sum", "42", "Etag", "e"},
	})
	want := http.Header{"X-Sum": {"42"}, "X-Other": nil, "Etag": {"e"}}
	if string(body) != "data" || !reflect.DeepEqual(r.Trailer, want) || r.Header["Trailer"] != nil {
		t.Fatalf("%q %v %v", body, r.Trailer, r.Header)
	}
}

func TestExpectContinue(t *testing.T) {
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			b, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %v", b, err)
		}
	}), nil)
	ex := x.Start(ringtest.Request{Method: "POST", Target: "/read", Stream: true, Length: 4, Expect: true})
	if a, err := ex.WaitFor(func(a *ringtest.Answer) bool { return a.Continued }); err != nil || !a.Continued || a.Begun {
		t.Fatalf("%+v %v", a, err)
	}
	ex.Send([]byte("body"))
	ex.End()
	if a, err := ex.Wait(); err != nil || string(a.Body) != "body <nil>" {
		t.Fatalf("%q %v", a.Body, err)
	}
	ex = x.Start(ringtest.Request{Method: "POST", Target: "/ignore", Stream: true, Length: 4, Expect: true})
	if a, err := ex.Wait(); err != nil || a.Continued || a.Status != 200 {
		t.Fatalf("%+v %v", a, err)
	}
	x.settled(t)
}

// What is not read goes back, also what comes after the end (L4).
func TestUnreadBody(t *testing.T) {
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		var b [3]byte
		if r.URL.Path == "/some" {
			_, _ = io.ReadFull(r.Body, b[:])
		}
		if r.URL.Path == "/close" {
			_ = r.Body.Close()
			if _, err := r.Body.Read(b[:]); err != http.ErrBodyReadAfterClose {
				t.Errorf("read after close: %v", err)
			}
		}
		_, _ = w.Write(b[:])
	}), nil)
	for _, target := range []string{"/none", "/some", "/close"} {
		ex := x.Start(ringtest.Request{Method: "POST", Target: target, Stream: true, Length: -1})
		ex.Send(make([]byte, 5000))
		if _, err := ex.Wait(); err != nil {
			t.Fatal(err)
		}
		x.do(t, ringtest.Request{Method: "POST", Target: target, Body: make([]byte, 200_000)})
	}
	x.settled(t)
}

func TestBodyKeptByHandler(t *testing.T) {
	kept := make(chan io.ReadCloser, 1)
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) { kept <- r.Body }), nil)
	x.do(t, ringtest.Request{Method: "POST", Body: []byte("abc")})
	body := <-kept
	if n, err := body.Read(make([]byte, 10)); n != 0 || err != http.ErrBodyReadAfterClose {
		t.Fatalf("%d %v", n, err)
	}
	x.settled(t)
}
