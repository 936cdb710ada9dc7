package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringway/envmap"
	"ringway/ring"
	"ringway/ring/ringtest"
)

// fileOf is an open file with that content.
func fileOf(t *testing.T, content string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// An application sends a part of a file, and one that turns out to be too short cuts the answer.
func TestEnvSendFile(t *testing.T) {
	long := strings.Repeat(long, 20_000)
	for _, c := range []struct {
		offset, count int64
		want          string
		whole         bool
	}{
		{0, -1, long, true},
		{100, 20, long[100:120], true},
		{100, 300_000, long[100:300_100], true},
		{310_000, 20_000, long[310_000:], false},
	} {
		t.Run(fmt.Sprintf("%d+%d", c.offset, c.count), func(t *testing.T) {
			f := fileOf(t, long)
			x := newHarness(t, testGeometry, nil, func(env envmap.Env) error {
				if _, err := io.WriteString(env, "before "); err != nil {
					return err
				}
				return env.SendFile(context.Background(), f, c.offset, c.count)
			})
			x.Window = ring.MaxBlock + ring.BaseWindow
			a := x.do(t, ringtest.Request{})
			if a.Aborted == c.whole || c.whole && string(a.Body) != "before "+c.want {
				t.Errorf("%d bytes, aborted %v, want %d", len(a.Body), a.Aborted, len(c.want)+7)
			}
			x.settled(t)
		})
	}
}

const long = "0123456789abcdef"

// sendHarness serves h with room for large answers.
func sendHarness(t *testing.T, h http.Handler, app envmap.App, opts ...Option) *harness {
	t.Helper()
	x := newHarness(t, testGeometry, h, app, opts...)
	x.Window = ring.MaxBlock + ring.BaseWindow
	return x
}

// descriptorCount counts this process's open descriptors.
func descriptorCount(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Handlers that copy from files: what goes by a descriptor, and what does not.
func TestReadFromFile(t *testing.T) {
	content := strings.Repeat(long, 20_000)
	html := "<html>" + content
	size := int64(len(content))
	copied := func(w http.ResponseWriter, r io.Reader) {
		if n, err := io.Copy(w, r); err != nil {
			panic(err)
		} else {
			w.Header().Set(http.TrailerPrefix+"Copied", fmt.Sprint(n))
		}
	}
	for _, c := range []struct {
		name    string
		method  string
		content string
		h       func(w http.ResponseWriter, f *os.File)
		body    string
		typ     string
		total   uint64
		files   int
	}{
		{"whole", "GET", content, func(w http.ResponseWriter, f *os.File) { copied(w, f) }, content, "text/plain; charset=utf-8", ring.LengthUnknown, 1},
		{"sniffed", "GET", html, func(w http.ResponseWriter, f *os.File) { copied(w, f) }, html, "text/html; charset=utf-8", ring.LengthUnknown, 1},
		{"declared", "GET", content, func(w http.ResponseWriter, f *os.File) {
			w.Header().Set("Content-Length", fmt.Sprint(size))
			copied(w, f)
		}, content, "text/plain; charset=utf-8", uint64(size), 1},
		{"from its position on", "GET", content, func(w http.ResponseWriter, f *os.File) {
			_, _ = f.Seek(1000, io.SeekStart)
			copied(w, f)
		}, content[1000:], "text/plain; charset=utf-8", ring.LengthUnknown, 1},
		{"behind a write, before one", "GET", content, func(w http.ResponseWriter, f *os.File) {
			fmt.Fprint(w, "before ")
			copied(w, f)
			fmt.Fprint(w, " behind")
		}, "before " + content + " behind", "text/plain; charset=utf-8", ring.LengthUnknown, 1},
		{"twice", "GET", content, func(w http.ResponseWriter, f *os.File) {
			copied(w, f)
			_, _ = f.Seek(0, io.SeekStart)
			copied(w, f)
		}, content + content, "text/plain; charset=utf-8", ring.LengthUnknown, 2},
		{"a part", "GET", content, func(w http.ResponseWriter, f *os.File) {
			if n, err := io.CopyN(w, f, 150_000); n != 150_000 || err != nil {
				panic(err)
			}
			if at, _ := f.Seek(0, io.SeekCurrent); at != 150_000 {
				panic(fmt.Sprint("the position is ", at))
			}
		}, content[:150_000], "text/plain; charset=utf-8", ring.LengthUnknown, 1},
		{"a part beyond the end", "GET", content, func(w http.ResponseWriter, f *os.File) {
			if n, err := io.CopyN(w, f, size+1); n != size || err != io.EOF {
				panic(fmt.Sprint(n, err))
			}
		}, content, "text/plain; charset=utf-8", ring.LengthUnknown, 1},
		{"more than declared", "GET", content, func(w http.ResponseWriter, f *os.File) {
			w.Header().Set("Content-Length", "150000")
			if n, err := io.Copy(w, f); n != 150_000 || err != http.ErrContentLength {
				panic(fmt.Sprint(n, err))
			}
		}, content[:150_000], "text/plain; charset=utf-8", 150_000, 1},
		{"small", "GET", content[:leastFile-1], func(w http.ResponseWriter, f *os.File) { copied(w, f) }, content[:leastFile-1], "text/plain; charset=utf-8", ring.LengthUnknown, 0},
		{"HEAD", "HEAD", content, func(w http.ResponseWriter, f *os.File) { copied(w, f) }, "", "", uint64(size), 0},
		{"no body allowed", "GET", content, func(w http.ResponseWriter, f *os.File) {
			w.WriteHeader(http.StatusNotModified)
			if _, err := io.Copy(w, f); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}, "", "", ring.LengthUnknown, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fileOf(t, c.content)
			x := sendHarness(t, handle(func(w http.ResponseWriter, r *http.Request) { c.h(w, f) }), nil)
			a := x.do(t, ringtest.Request{Method: c.method})
			if a.Aborted || string(a.Body) != c.body || a.Files != c.files || a.Total != c.total || a.Get("Content-Type") != c.typ {
				t.Errorf("%d bytes (want %d), aborted %v, files %d, total %d, type %q", len(a.Body), len(c.body), a.Aborted, a.Files, a.Total, a.Get("Content-Type"))
			}
			x.settled(t)
		})
	}
}

// Files that the gateway would not take are copied, or fail as reading them does.
func TestReadFromOtherFiles(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(w, strings.Repeat(long, 10_000))
		_ = w.Close()
	}()
	status, err := os.Open("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.OpenFile(filepath.Join(t.TempDir(), "w"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := written.Truncate(200_000); err != nil {
		t.Fatal(err)
	}
	directory, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		f     *os.File
		least int
		fails bool
	}{{"pipe", r, 160_000, false}, {"proc", status, 100, false}, {"for writing", written, 0, true}, {"directory", directory, 0, true}} {
		t.Run(c.name, func(t *testing.T) {
			defer c.f.Close()
			var got error
			x := sendHarness(t, handle(func(w http.ResponseWriter, r *http.Request) { _, got = io.Copy(w, c.f) }), nil)
			a := x.do(t, ringtest.Request{})
			x.settled(t)
			if a.Files != 0 || len(a.Body) < c.least || (got != nil) != c.fails {
				t.Errorf("%d files, %d bytes, error %v", a.Files, len(a.Body), got)
			}
		})
	}
}

// Beyond the number that a lane may have under way, files are copied.
func TestFilesUnderWay(t *testing.T) {
	content := strings.Repeat(long, 20_000)
	f := fileOf(t, content)
	geometry := ring.Geometry{Lanes: 1, RingSlots: 1024, ExchangeSlots: 256, ArenaUnits: 4096}
	x := newHarness(t, geometry, handle(func(w http.ResponseWriter, r *http.Request) {
		own, err := os.Open(f.Name()) // with a position of its own
		if err != nil {
			panic(err)
		}
		defer own.Close()
		_, _ = io.Copy(w, own)
	}), nil)
	x.KeepFiles()
	before := descriptorCount(t)
	var all []*ringtest.Exchange
	for range ring.LaneFiles + 20 {
		all = append(all, x.Start(ringtest.Request{}))
	}
	byFile, copied := 0, 0
	for _, ex := range all {
		a, err := ex.WaitFor(func(a *ringtest.Answer) bool { return a.Files > 0 })
		if err != nil {
			t.Fatal(err)
		}
		byFile += a.Files
		if a.Files == 0 && string(a.Body) == content {
			copied++
		}
	}
	if byFile != ring.LaneFiles || copied != 20 {
		t.Errorf("%d by descriptor, %d copied", byFile, copied)
	}
	x.SendFiles()
	for _, ex := range all {
		if a, err := ex.Wait(); err != nil || string(a.Body) != content {
			t.Fatalf("%d bytes, %v", len(a.Body), err)
		}
	}
	x.settled(t)
	if after := descriptorCount(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// A call that sends a file does not return before the gateway has let go of it, whatever ends it.
func TestFileEnds(t *testing.T) {
	content := strings.Repeat(long, 20_000)
	for _, dispatch := range []Dispatch{Auto, Inline, Pool(2)} {
		for _, c := range []struct {
			name string
			end  func(x *harness, ex *ringtest.Exchange, cancel context.CancelFunc)
			want error
			stop bool
		}{
			{"sent", func(x *harness, ex *ringtest.Exchange, cancel context.CancelFunc) { x.SendFiles() }, nil, false},
			{"client gone", func(x *harness, ex *ringtest.Exchange, cancel context.CancelFunc) {
				ex.Cancel(ring.CancelGone)
				ex.DropFile()
			}, ErrClientGone, false},
			{"cut", func(x *harness, ex *ringtest.Exchange, cancel context.CancelFunc) { ex.DropFile() }, ErrFileCut, false},
			{"context", func(x *harness, ex *ringtest.Exchange, cancel context.CancelFunc) { cancel() }, context.Canceled, true},
		} {
			t.Run(dispatch.String()+" "+c.name, func(t *testing.T) {
				f := fileOf(t, content)
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				got := make(chan error, 1)
				x := sendHarness(t, nil, func(env envmap.Env) error {
					err := env.SendFile(ctx, f, 0, -1)
					got <- err
					return err
				}, WithDispatch(dispatch))
				x.KeepFiles()
				ex := x.Start(ringtest.Request{})
				if a, err := ex.WaitFor(func(a *ringtest.Answer) bool { return a.Files > 0 }); err != nil || a.Files != 1 {
					t.Fatalf("%d files, %v", a.Files, err)
				}
				select {
				case err := <-got:
					t.Fatalf("returned while the gateway had the file: %v", err)
				default:
				}
				c.end(x, ex, cancel)
				a, err := ex.Wait()
				if err != nil {
					t.Fatal(err)
				}
				if err := <-got; !errors.Is(err, c.want) {
					t.Errorf("SendFile: %v, want %v", err, c.want)
				}
				if (a.Stops > 0) != c.stop || a.Aborted != (c.want != nil) {
					t.Errorf("stops %d, aborted %v", a.Stops, a.Aborted)
				}
				x.settled(t)
			})
		}
	}
}

// A write deadline ends the sending of a file, too.
func TestFileDeadline(t *testing.T) {
	f := fileOf(t, strings.Repeat(long, 20_000))
	var got error
	x := sendHarness(t, handle(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		_, got = io.Copy(w, f)
	}), nil)
	x.KeepFiles()
	ex := x.Start(ringtest.Request{})
	a, err := ex.Wait()
	if err != nil {
		t.Fatal(err)
	}
	x.settled(t)
	if !errors.Is(got, os.ErrDeadlineExceeded) || a.Files == 1 && a.Stops != 1 {
		t.Errorf("%v, %d files, %d stops", got, a.Files, a.Stops)
	}
}

// The gateway dies with a file: the handler does not wait for it for ever.
func TestFileGatewayGone(t *testing.T) {
	f := fileOf(t, strings.Repeat(long, 20_000))
	got := make(chan error, 1)
	x := sendHarness(t, handle(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(w, f)
		got <- err
	}), nil)
	x.KeepFiles()
	ex := x.Start(ringtest.Request{})
	if _, err := ex.WaitFor(func(a *ringtest.Answer) bool { return a.Files > 0 }); err != nil {
		t.Fatal(err)
	}
	_ = x.Close()
	x.att.fail(ErrGatewayGone) // as the control socket tells
	if err := <-got; !errors.Is(err, ErrGatewayGone) {
		t.Errorf("got %v", err)
	}
}

// rotated is a file that is read in a way of its own.
type rotated struct{ *os.File }

func (r rotated) Read(p []byte) (int, error) {
	n, err := r.File.Read(p)
	for i := range p[:n] {
		p[i]++
	}
	return n, err
}

// WriteTo keeps io.Copy from asking the file.
func (r rotated) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{r})
}

// What only has a file inside is read, also behind a limit.
func TestReadFromWrappedFile(t *testing.T) {
	content := strings.Repeat("a", 200_000)
	f := fileOf(t, content)
	x := sendHarness(t, handle(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.CopyN(w, rotated{f}, 200_000); err != nil {
			panic(err)
		}
	}), nil)
	a := x.do(t, ringtest.Request{})
	x.settled(t)
	if a.Files != 0 || string(a.Body) != strings.Repeat("b", 200_000) {
		t.Errorf("%d files, %d bytes", a.Files, len(a.Body))
	}
}

// What net/http makes of files: whole ones and single ranges go by descriptor, several ranges are mixed with heads and
// copied, and conditions and HEAD send nothing.
func TestServeFile(t *testing.T) {
	content := strings.Repeat(long, 40_000)
	f := fileOf(t, content)
	if err := os.Chtimes(f.Name(), time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	modified := time.Unix(1e9, 0).UTC().Format(http.TimeFormat)
	directory, name := filepath.Split(f.Name())
	for kind, h := range map[string]http.Handler{
		"ServeFile":  handle(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, f.Name()) }),
		"FileServer": http.FileServer(http.Dir(directory)),
	} {
		for _, c := range []struct {
			name   string
			method string
			fields []string
			status uint16
			body   string // "" if it has several parts
			total  int
			files  int
		}{
			{"whole", "GET", nil, 200, content, len(content), 1},
			{"HEAD", "HEAD", nil, 200, "", len(content), 0},
			{"range", "GET", []string{"Range", "bytes=100-299999"}, 206, content[100:300_000], 299_900, 1},
			{"suffix", "GET", []string{"Range", "bytes=-200000"}, 206, content[len(content)-200_000:], 200_000, 1},
			{"small range", "GET", []string{"Range", "bytes=5-6"}, 206, content[5:7], 2, 0},
			{"If-Range holds", "GET", []string{"Range", "bytes=0-199999", "If-Range", modified}, 206, content[:200_000], 200_000, 1},
			{"If-Range does not", "GET", []string{"Range", "bytes=0-199999", "If-Range", "Thu, 01 Jan 1970 00:00:00 GMT"}, 200, content, len(content), 1},
			{"several", "GET", []string{"Range", "bytes=0-199999,300000-499999"}, 206, "", 0, 0},
			{"behind the end", "GET", []string{"Range", "bytes=9000000-"}, 416, "", 0, 0},
			{"not modified", "GET", []string{"If-Modified-Since", modified}, 304, "", 0, 0},
		} {
			t.Run(kind+" "+c.name, func(t *testing.T) {
				x := sendHarness(t, h, nil)
				a := x.do(t, ringtest.Request{Method: c.method, Target: "/" + name, Fields: c.fields})
				if a.Status != c.status || a.Aborted || a.Files != c.files || c.total != 0 && a.Total != uint64(c.total) {
					t.Errorf("status %d, aborted %v, %d files, total %d", a.Status, a.Aborted, a.Files, a.Total)
				}
				if c.body != "" && string(a.Body) != c.body {
					t.Errorf("%d bytes, want %d", len(a.Body), len(c.body))
				}
				if c.name == "several" && (uint64(len(a.Body)) != a.Total || strings.Count(string(a.Body), content[:200_000]) == 0) {
					t.Errorf("%d bytes of %d", len(a.Body), a.Total)
				}
				x.settled(t)
			})
		}
	}
}
