package approutes

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// answer is what a client sees; cut means that the response was ended badly.
type answer struct {
	status  int
	header  http.Header
	body    string
	length  int64 // announced, -1 if not
	cut     bool
	flushes int
}

// flavours run one request through the routes, as a handler and as an App.
var flavours = map[string]func(ctx context.Context, r envtest.Request) answer{
	"handler": func(ctx context.Context, r envtest.Request) answer {
		return viaHandler(ctx, r, Options{Release: "r1", Blocks: recorderBlocks})
	},
	"handler without blocks": func(ctx context.Context, r envtest.Request) answer {
		return viaHandler(ctx, r, Options{Release: "r1"})
	},
	"env": func(ctx context.Context, r envtest.Request) answer {
		x := envtest.NewExchange(ctx, r)
		_ = envmap.NewRunner(App(Options{Release: "r1"})).Run(x)
		a := answer{
			status: x.Status, header: http.Header{}, body: string(x.Body), length: x.Length,
			cut: !x.Clean(), flushes: len(x.Flushed),
		}
		for _, f := range x.Fields {
			a.header.Add(f.Name, f.Value)
		}
		return a
	},
}

func viaHandler(ctx context.Context, r envtest.Request, o Options) (a answer) {
	q := httptest.NewRequestWithContext(ctx, r.Method, r.Target, r.Body)
	if r.Body != nil {
		q.ContentLength = r.Length
	}
	for _, f := range r.Fields {
		q.Header.Add(f.Name, f.Value)
	}
	w := &flushCounter{ResponseRecorder: httptest.NewRecorder()}
	defer func() {
		a.cut = recover() != nil
		result := w.Result()
		a.status, a.header, a.body, a.flushes = result.StatusCode, result.Header, w.Body.String(), w.flushes
		a.length = result.ContentLength
	}()
	Handler(o).ServeHTTP(w, q)
	return a
}

type flushCounter struct {
	*httptest.ResponseRecorder
	flushes int
}

func (w *flushCounter) FlushError() error {
	w.flushes++
	return nil
}

// recorderBlocks stands for the response memory of a server.
func recorderBlocks(w http.ResponseWriter) BlockWriter { return &blocks{w: w} }

type blocks struct {
	w      io.Writer
	memory [1000]byte
}

func (b *blocks) Reserve(n int) ([]byte, error) { return b.memory[:min(n, len(b.memory))], nil }

func (b *blocks) Commit(n int) error {
	_, err := b.w.Write(b.memory[:n])
	return err
}

// each runs a test once for each flavour.
func each(t *testing.T, run func(t *testing.T, do func(envtest.Request) answer)) {
	for name, flavour := range flavours {
		t.Run(name, func(t *testing.T) {
			run(t, func(r envtest.Request) answer { return flavour(t.Context(), r) })
		})
	}
}

func get(target string) envtest.Request { return envtest.Request{Method: "GET", Target: target} }

func expect(t *testing.T, a answer, status int, contentType, body string) {
	t.Helper()
	if a.status != status || a.body != body || a.header.Get("Content-Type") != contentType || a.cut {
		t.Errorf("got %d, type %q, body %.200q, cut %v; want %d, %q, %.200q",
			a.status, a.header.Get("Content-Type"), a.body, a.cut, status, contentType, body)
	}
}

func TestHello(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		a := do(get("/"))
		expect(t, a, 200, "text/plain", "Hello, World!")
		if len(a.body) != 13 {
			t.Errorf("%d bytes, want 13", len(a.body))
		}
	})
}

func TestNoRoute(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		for _, path := range []string{"/nothing", "/json/", "/bytes/1", "/JSON"} {
			expect(t, do(get(path)), 404, "text/plain", fmt.Sprintf("no route %q\n", path))
		}
	})
}

func TestJSON(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		expect(t, do(get("/json")), 200, "application/json", `{"message":"Hello, World!","count":13,"ready":true}`+"\n")
	})
}

func TestPID(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		want := fmt.Sprintf(`{"pid":%d,"release":"r1"}`+"\n", os.Getpid())
		expect(t, do(get("/pid")), 200, "application/json", want)
	})
}

func TestEcho(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		for _, size := range []int{0, 1, 2048, 2049, 4096, 4097, 100_000} {
			for _, known := range []bool{true, false} {
				body := strings.Repeat("x", size)
				r := envtest.Request{
					Method: "POST", Target: "/echo", Body: strings.NewReader(body), Length: int64(size),
					Fields: []envmap.Field{{Name: "Content-Type", Value: "text/x-own"}},
				}
				if !known {
					r.Length = envmap.LengthUnknown
				}
				a := do(r)
				expect(t, a, 200, "text/x-own", body)
				if known && a.length != int64(size) {
					t.Errorf("length %d, want %d", a.length, size)
				}
				if !known && size > 0 && (a.flushes == 0 || a.length >= 0) {
					t.Errorf("a body of unknown length: %d flushes, length %d", a.flushes, a.length)
				}
			}
		}
		expect(t, do(envtest.Request{Method: "POST", Target: "/echo"}), 200, "application/octet-stream", "")
	})
}

// TestEchoOfABrokenBody: the client must not take what it got for the whole.
func TestEchoOfABrokenBody(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		for _, target := range []string{"/echo", "/upload"} {
			a := do(envtest.Request{
				Method: "POST", Target: target, Length: envmap.LengthUnknown,
				Body: io.MultiReader(strings.NewReader("begun"), brokenReader{}),
			})
			if !a.cut && a.status != 500 {
				t.Errorf("%s: %d %q, not cut", target, a.status, a.body)
			}
		}
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBytes(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		for _, n := range []int{0, 1, 63, 4096, 16384, 1 << 20, 1<<20 + 77, 3 << 20} {
			for _, copying := range []string{"", "&copy=none"} {
				a := do(get(fmt.Sprintf("/bytes?n=%d%s", n, copying)))
				if a.status != 200 || a.length != int64(n) || len(a.body) != n || a.cut {
					t.Fatalf("n=%d%s: %d, length %d, %d bytes, cut %v", n, copying, a.status, a.length, len(a.body), a.cut)
				}
				for i := range n {
					if a.body[i] != patternAlphabet[i%64] {
						t.Fatalf("n=%d%s: byte %d is %q", n, copying, i, a.body[i])
					}
				}
			}
		}
	})
}

func TestUpload(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		for _, size := range []int{0, 1, 300_000} {
			body := bytes.Repeat([]byte("ab"), size)
			hash := sha256.Sum256(body)
			a := do(envtest.Request{
				Method: "PUT", Target: "/upload", Body: bytes.NewReader(body), Length: envmap.LengthUnknown,
			})
			expect(t, a, 200, "application/json",
				fmt.Sprintf(`{"bytes":%d,"sha256":%q}`+"\n", len(body), hex.EncodeToString(hash[:])))
		}
	})
}

func TestSleep(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		before := time.Now()
		expect(t, do(get("/sleep?ms=20")), 200, "text/plain", "slept 20ms\n")
		if took := time.Since(before); took < 20*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		expect(t, do(get("/sleep?ms=0")), 200, "text/plain", "slept 0s\n")
	})
}

// TestSleepEndsWithTheClient: nobody waits for an hour on behalf of a client that is gone.
func TestSleepEndsWithTheClient(t *testing.T) {
	for name, flavour := range flavours {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, target := range []string{"/sleep?ms=3600000", "/stream?n=2&ms=3600000"} {
			if a := flavour(ctx, get(target)); !a.cut && a.status != 500 {
				t.Errorf("%s %s: %d, not cut", name, target, a.status)
			}
		}
	}
}

func TestStream(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		a := do(get("/stream?n=3&ms=1"))
		expect(t, a, 200, "text/plain", "chunk 0\nchunk 1\nchunk 2\n")
		if a.flushes != 3 || a.length >= 0 {
			t.Errorf("%d flushes, length %d; want 3, unknown", a.flushes, a.length)
		}
		expect(t, do(get("/stream?n=1")), 200, "text/plain", "chunk 0\n")
		expect(t, do(get("/stream?n=0")), 200, "text/plain", "")
	})
}

func TestHeaders(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		r := get("/headers")
		r.Fields = []envmap.Field{
			{Name: "host", Value: "example.com"}, {Name: "x-own", Value: "1"}, {Name: "X-Own", Value: "a, b"},
		}
		a := do(r)
		var got map[string][]string
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 {
			t.Fatalf("%v: %d %q", err, a.status, a.body)
		}
		if fmt.Sprint(got) != "map[Host:[example.com] X-Own:[1 a, b]]" {
			t.Errorf("got %v", got)
		}
	})
}

func TestPeer(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		r := get("/peer")
		r.Fields = []envmap.Field{{Name: "host", Value: "example.com"}}
		var got peerAnswer
		if err := json.Unmarshal([]byte(do(r).body), &got); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(got.Remote, "192.0.2.1") || got.Scheme != "http" || got.Host != "example.com" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestStatus(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		for _, code := range []int{200, 201, 302, 404, 418, 500, 503, 999} {
			expect(t, do(get(fmt.Sprint("/status?code=", code))), code, "text/plain", fmt.Sprintf("status %d\n", code))
		}
		for _, code := range []int{204, 304} {
			expect(t, do(get(fmt.Sprint("/status?code=", code))), code, "", "")
		}
	})
}

func TestPanic(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		if a := do(get("/panic")); !a.cut && a.status != 500 {
			t.Errorf("%d %q", a.status, a.body)
		}
	})
}

// TestBadValues: 400 and a line that names the value.
func TestBadValues(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		for target, line := range map[string]string{
			"/bytes":                  `n="": want a number from 0 to 1073741824`,
			"/bytes?n=x":              `n="x": want a number from 0 to 1073741824`,
			"/bytes?n=-1":             `n="-1": want a number from 0 to 1073741824`,
			"/bytes?n=1073741825":     `n="1073741825": want a number from 0 to 1073741824`,
			"/bytes?n=1&copy=all":     `copy="all": want none`,
			"/sleep":                  `ms="": want a number from 0 to 3600000`,
			"/sleep?ms=1s":            `ms="1s": want a number from 0 to 3600000`,
			"/stream?n=many":          `n="many": want a number from 0 to 1000000`,
			"/stream?n=1&ms=":         `ms="": want a number from 0 to 3600000`,
			"/status":                 `code="": want a number from 200 to 999`,
			"/status?code=100":        `code="100": want a number from 200 to 999`,
			"/status?code=%0a%22":     `code="\n\"": want a number from 200 to 999`,
			"/status?code=1000&code=": `code="1000": want a number from 200 to 999`,
		} {
			expect(t, do(get(target)), 400, "text/plain", line+"\n")
		}
	})
}
