package bridge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"ringway/ring"
	"ringway/ring/ringtest"
)

// answer serves one request with h.
func answer(t *testing.T, req ringtest.Request, h func(w http.ResponseWriter, r *http.Request)) ringtest.Answer {
	t.Helper()
	x := newHarness(t, testGeometry, handle(h), nil)
	x.Window = ring.MaxBlock + ring.BaseWindow // room for the largest block and its head
	a := x.do(t, req)
	x.settled(t)
	return a
}

// Where the gateway has no window to spare, others may keep theirs for ever: what there is must do.
func TestPoorGateway(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 10_000)
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) }), nil)
	x.Window, x.Poor = ring.BaseWindow, true
	if a := x.do(t, ringtest.Request{}); string(a.Body) != body || len(a.Wants) == 0 {
		t.Errorf("%d bytes of %d, %d times asked for more", len(a.Body), len(body), len(a.Wants))
	}
	x.settled(t)
}

func TestResponses(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 20_000)
	get, head := ringtest.Request{}, ringtest.Request{Method: "HEAD"}
	const unknown = ring.LengthUnknown
	for _, c := range []struct {
		name   string
		req    ringtest.Request
		h      func(w http.ResponseWriter, r *http.Request)
		status uint16
		total  uint64
		body   string
		typ    string
		events int
	}{
		{"nothing", get, func(w http.ResponseWriter, r *http.Request) {}, 200, 0, "", "", 1},
		{"sniffed", get, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<ht"); fmt.Fprint(w, "ml>") }, 200, 6, "<html>", "text/html; charset=utf-8", 1},
		{"sniffed large", get, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>"+long[:9000]) }, 200, 9006, "<html>" + long[:9000], "text/html; charset=utf-8", 1},
		{"coded", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, "x")
		}, 200, 1, "x", "", 1},
		{"type nil", get, func(w http.ResponseWriter, r *http.Request) { w.Header()["Content-Type"] = nil; fmt.Fprint(w, "x") }, 200, 1, "x", "", 1},
		{"one write of 64 KiB", get, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, long[:65536]) }, 200, 65536, long[:65536], "text/plain; charset=utf-8", 1},
		{"flushed", get, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "a")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "b")
		}, 200, unknown, "ab", "text/plain; charset=utf-8", 2},
		{"large", get, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, long) }, 200, unknown, long, "text/plain; charset=utf-8", 0},
		{"declared large", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(long)))
			fmt.Fprint(w, long)
		}, 200, uint64(len(long)), long, "text/plain; charset=utf-8", 0},
		{"status", get, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 404) }, 404, 3, "no\n", "text/plain; charset=utf-8", 1},
		{"second WriteHeader", get, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(201)
			w.WriteHeader(500)
			w.Header().Set("Content-Type", "late/late")
		}, 201, 0, "", "", 1},
		{"head", head, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "four") }, 200, 4, "", "", 1},
		{"head large", head, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, long) }, 200, uint64(len(long)), "", "", 1},
		{"head declared", head, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "99") }, 200, 99, "", "", 1},
		{"head of nothing", head, func(w http.ResponseWriter, r *http.Request) {}, 200, unknown, "", "", 1},
		{"no content", get, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			if _, err := w.Write([]byte("x")); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}, 204, unknown, "", "", 1},
		{"not modified", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(304)
		}, 304, unknown, "", "", 1},
		{"many small writes", get, func(w http.ResponseWriter, r *http.Request) {
			for i := range 5000 {
				fmt.Fprint(w, long[i*10:i*10+10])
			}
		}, 200, unknown, long[:50000], "text/plain; charset=utf-8", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := answer(t, c.req, c.h)
			if a.Aborted || a.Status != c.status || string(a.Body) != c.body || a.Get("Content-Type") != c.typ {
				t.Errorf("status %d (aborted %v), type %q, body of %d bytes", a.Status, a.Aborted, a.Get("Content-Type"), len(a.Body))
			}
			if a.Total != c.total {
				t.Errorf("total %d, want %d", int64(a.Total), int64(c.total))
			}
			if c.events != 0 && a.Events != c.events {
				t.Errorf("%d events, want %d", a.Events, c.events)
			}
		})
	}
}

func TestResponseFields(t *testing.T) {
	a := answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-One", "a\r\nb ")
		h["Set-Cookie"] = []string{"a=1", "b=2"}
		h["bad name"] = []string{"x"}
		h.Set("Connection", "close")
		h.Set("Transfer-Encoding", "chunked")
		w.WriteHeader(200)
		h.Set("X-Late", "no")
	})
	want := map[string]string{"X-One": "a  b", "Set-Cookie": "a=1"}
	if len(a.Fields) != 3 {
		t.Errorf("fields %v", a.Fields)
	}
	for name, value := range want {
		if a.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, a.Get(name), value)
		}
	}
}

func TestContentLengthEnforced(t *testing.T) {
	a := answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "3")
		fmt.Fprint(w, "abc")
		if _, err := fmt.Fprint(w, "d"); err != http.ErrContentLength {
			t.Errorf("too much: %v", err)
		}
	})
	if a.Aborted || a.Total != 3 || string(a.Body) != "abc" {
		t.Errorf("%+v", a)
	}
	a = answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "30")
		fmt.Fprint(w, "abc")
	})
	if !a.Aborted || !a.Begun || a.Total != 30 || string(a.Body) != "abc" {
		t.Errorf("too little: %+v", a)
	}
}

func TestInterimResponses(t *testing.T) {
	a := answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>; rel=preload")
		w.WriteHeader(103)
		w.WriteHeader(102)
		w.Header().Del("Link")
		fmt.Fprint(w, "done")
	})
	if len(a.Informs) != 2 || a.Informs[0].Status != 103 || a.Informs[0].Get("Link") == "" || a.Informs[1].Status != 102 ||
		a.Status != 200 || a.Get("Link") != "" || string(a.Body) != "done" {
		t.Errorf("%+v", a)
	}
}

func TestResponseTrailers(t *testing.T) {
	a := answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Sum", "early")
		fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", "42")
		w.Header().Set(http.TrailerPrefix+"x-more", "yes")
	})
	if a.Get("X-Sum") != "" || a.Total != ring.LengthUnknown || string(a.Body) != "body" ||
		fmt.Sprint(a.Trailers) != "[{X-Sum 42} {X-More yes}]" {
		t.Errorf("%+v", a)
	}
}

func TestPanics(t *testing.T) {
	a := answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "x"); panic("boom") })
	if !a.Aborted || a.Abort != 500 || a.Begun {
		t.Errorf("nothing sent: %+v", a)
	}
	a = answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("x", 100_000))
		panic(errors.New("boom"))
	})
	if !a.Aborted || !a.Begun {
		t.Errorf("begun: %+v", a.Head)
	}
	a = answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	if !a.Aborted || a.Abort != 0 {
		t.Errorf("ErrAbortHandler: %+v", a)
	}
}

func TestReadFromAndBlocks(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 20_000)
	onlyReader := func(s string) io.Reader { return struct{ io.Reader }{strings.NewReader(s)} }
	for name, h := range map[string]func(w http.ResponseWriter, r *http.Request){
		"ReadFrom": func(w http.ResponseWriter, r *http.Request) {
			if n, err := io.Copy(w, onlyReader(long)); n != int64(len(long)) || err != nil {
				t.Errorf("%d %v", n, err)
			}
		},
		"blocks": func(w http.ResponseWriter, r *http.Request) {
			b, ok := Blocks(w)
			if !ok {
				t.Fatal("no BlockWriter")
			}
			for rest := long; rest != ""; {
				p, err := b.Reserve(len(rest))
				if err != nil {
					t.Error(err)
					return
				}
				n := copy(p, rest)
				if err := b.Commit(n); err != nil {
					t.Error(err)
				}
				rest = rest[n:]
			}
		},
	} {
		a := answer(t, ringtest.Request{}, h)
		if a.Aborted || string(a.Body) != long {
			t.Errorf("%s: %d bytes, aborted %v", name, len(a.Body), a.Aborted)
		}
	}
	a := answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, onlyReader("small")) })
	if a.Events != 1 || a.Total != 5 || string(a.Body) != "small" {
		t.Errorf("%+v", a)
	}
	a = answer(t, ringtest.Request{}, func(w http.ResponseWriter, r *http.Request) {
		b, _ := Blocks(w)
		if err := b.Commit(1); err != ErrReserve {
			t.Error(err)
		}
		_, _ = b.Reserve(10)
		if _, err := w.Write([]byte("x")); err != ErrReserve {
			t.Error(err)
		}
		_ = b.Commit(0)
	})
	if a.Aborted || len(a.Body) != 0 {
		t.Errorf("%+v", a)
	}
}

func TestEcho(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	a := answer(t, ringtest.Request{Method: "POST", Body: long}, func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(w, r.Body); n != int64(len(long)) || err != nil {
			t.Errorf("%d %v", n, err)
		}
	})
	if !bytes.Equal(a.Body, long) {
		t.Errorf("%d bytes", len(a.Body))
	}
}

func TestDeadlines(t *testing.T) {
	for _, d := range []Dispatch{Auto, Inline, Pool(1)} {
		x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			if err := errors.Join(c.EnableFullDuplex(), c.SetReadDeadline(time.Now().Add(20*time.Millisecond))); err != nil {
				t.Error(err)
			}
			if _, err := r.Body.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: %v", err)
			}
			_ = c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
			_, err := w.Write(make([]byte, 1<<20))
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("write: %v", err)
			}
			if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
				t.Error(err)
			}
		}), nil, WithDispatch(d))
		x.Keep(true)
		a, err := x.Start(ringtest.Request{Method: "POST", Stream: true, Length: 5}).Wait()
		if err != nil || !a.Aborted {
			t.Errorf("%v: %+v %v", d, a.Head, err)
		}
		x.Keep(false)
		x.settled(t)
	}
}

// A writer used after its handler has returned fails, and harms nobody.
func TestWriterKeptByHandler(t *testing.T) {
	kept := make(chan http.ResponseWriter, 1)
	x := newHarness(t, testGeometry, handle(func(w http.ResponseWriter, r *http.Request) {
		select {
		case kept <- w:
		default:
		}
		fmt.Fprint(w, "fine")
	}), nil)
	x.do(t, ringtest.Request{})
	late := <-kept
	if _, err := late.Write([]byte("late")); err != ErrEnded {
		t.Errorf("write: %v", err)
	}
	if err := late.(*response).FlushError(); err != ErrEnded {
		t.Errorf("flush: %v", err)
	}
	late.WriteHeader(500)
	if a := x.do(t, ringtest.Request{}); string(a.Body) != "fine" {
		t.Errorf("%+v", a)
	}
	x.settled(t)
}
