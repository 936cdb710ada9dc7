package e2e

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ringway/test/e2e/system"
)

// filesOf starts a gateway whose worker serves a directory's files.
func filesOf(t *testing.T, mode, directory string, flags ...string) *system.Gateway {
	t.Helper()
	return system.StartGateway(t, system.Options{
		Supervised: true, Worker: []string{"--mode", mode, "--release", "r1", "--files", directory},
		Flags: append([]string{"--loops", "2"}, flags...),
	})
}

// handedOver is how many files workers gave the gateway, and how many bytes of them it has sent.
func handedOver(g *system.Gateway) (files, bytes uint64) {
	for _, loop := range g.Stats().Loops {
		files += loop.Files
		bytes += loop.FileBytes
	}
	return files, bytes
}

// descriptorsOf counts the gateway's descriptors while it has no connections and nothing in flight; 0 where the kernel does not
// tell.
func descriptorsOf(g *system.Gateway) int {
	g.WaitNoConnections()
	g.WaitIdle()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", g.Pid()))
	if err != nil {
		return 0
	}
	return len(entries)
}

func violations(g *system.Gateway) (sum uint64) {
	for _, loop := range g.Stats().Loops {
		sum += loop.Violations
	}
	return sum
}

// TestWorkerFiles: files of all sizes arrive as they are, by descriptor from 128 KiB on.
func TestWorkerFiles(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	sizes := []int{0, 1, 4096, 128<<10 - 1, 128 << 10, 1 << 20, 16<<20 + 1, 64 << 20}
	sums := map[int][32]byte{}
	for _, size := range sizes {
		content := random(size)
		sums[size] = sha256.Sum256(content)
		if err := os.WriteFile(filepath.Join(directory, fmt.Sprint(size)), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []string{"handler", "env"} {
		t.Run(mode, func(t *testing.T) {
			g := filesOf(t, mode, directory)
			client := newClient(t)
			var files, bytes uint64
			for _, size := range sizes {
				for _, method := range []string{"HEAD", "GET"} {
					request, _ := http.NewRequest(method, g.URL(fmt.Sprintf("/file?name=%d", size)), nil)
					answer, err := client.Do(request)
					if err != nil {
						t.Fatal(err)
					}
					hash := sha256.New()
					n, err := io.Copy(hash, answer.Body)
					_ = answer.Body.Close()
					if err != nil || answer.StatusCode != 200 || answer.ContentLength != int64(size) {
						t.Errorf("%s of %d: %d, %d bytes announced, %d came, %v", method, size, answer.StatusCode, answer.ContentLength, n, err)
					}
					if method == "GET" && [32]byte(hash.Sum(nil)) != sums[size] {
						t.Errorf("%d bytes came as others", size)
					}
				}
				if size >= 128<<10 {
					files, bytes = files+1, bytes+uint64(size)
				}
			}
			if f, b := handedOver(g); f != files || b != bytes {
				t.Errorf("%d files and %d bytes by descriptor, want %d and %d", f, b, files, bytes)
			}
			for _, name := range []string{"..", "../x", "/etc/passwd", "a/../b", "%00", "", ".", "none", "a//b"} {
				answer, err := client.Get(g.URL("/file?name=" + name))
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				if answer.StatusCode != 400 && answer.StatusCode != 404 {
					t.Errorf("%q: status %d", name, answer.StatusCode)
				}
			}
			g.Stop()
		})
	}
}

// TestWorkerFileRanges: what http.ServeContent makes of ranges and conditions, single parts by descriptor.
func TestWorkerFileRanges(t *testing.T) {
	t.Parallel()
	content := string(random(1 << 20))
	directory := site(t, map[string]string{"f": content})
	g := filesOf(t, "handler", directory)
	first, _ := ask(t, g, "HEAD", "/file?name=f")
	modified := first.Header.Get("Last-Modified")
	for _, c := range []struct {
		fields []string
		status int
		want   string
	}{
		{[]string{"Range: bytes=0-199999"}, 206, content[:200_000]},
		{[]string{"Range: bytes=1-"}, 206, content[1:]},
		{[]string{"Range: bytes=-170000"}, 206, content[1<<20-170_000:]},
		{[]string{"Range: bytes=7-7"}, 206, content[7:8]},
		{[]string{"Range: bytes=1048576-"}, 416, ""},
		{[]string{"Range: bytes=0-199999", "If-Range: " + modified}, 206, content[:200_000]},
		{[]string{"Range: bytes=0-199999", "If-Range: Thu, 01 Jan 1970 00:00:00 GMT"}, 200, content},
		{[]string{"If-Modified-Since: " + modified}, 304, ""},
	} {
		answer, body := ask(t, g, "GET", "/file?name=f", c.fields...)
		if answer.StatusCode != c.status || c.status < 300 && body != c.want {
			t.Errorf("%q: status %d with %d bytes, want %d with %d", c.fields, answer.StatusCode, len(body), c.status, len(c.want))
		}
	}
	answer, body := ask(t, g, "GET", "/file?name=f", "Range: bytes=0-199999,500000-599999,-5")
	_, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || answer.StatusCode != 206 || answer.ContentLength != int64(len(body)) {
		t.Fatalf("status %d, %v", answer.StatusCode, err)
	}
	parts := multipart.NewReader(strings.NewReader(body), parameters["boundary"])
	for _, want := range []string{content[:200_000], content[500_000:600_000], content[1<<20-5:]} {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(part); err != nil || string(got) != want {
			t.Errorf("a part of %d bytes, %v, want %d", len(got), err, len(want))
		}
	}
	g.Stop()
}

// TestWorkerFilesAtOnce: many clients, and nothing is left open anywhere.
func TestWorkerFilesAtOnce(t *testing.T) {
	t.Parallel()
	content := random(3<<20 + 17)
	directory := site(t, map[string]string{"f": string(content)})
	g := filesOf(t, "handler", directory)
	ask(t, g, "GET", "/file?name=f")
	before := g.Holdings()
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			client := newClient(t)
			for range 3 {
				answer, err := client.Get(g.URL("/file?name=f"))
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if err != nil || !bytes.Equal(body, content) {
					t.Errorf("%d bytes, %v", len(body), err)
				}
			}
			client.CloseIdleConnections()
		})
	}
	all.Wait()
	if v := violations(g); v != 0 {
		t.Errorf("%d violations", v)
	}
	g.ExpectHoldings(before, system.FirstUse)
	g.Stop()
}

// stalledFiles are clients that do not read, each with a large file on its way.
func stalledFiles(t *testing.T, g *system.Gateway, clients int) (slow []*raw) {
	t.Helper()
	for range clients {
		r := dial(t, g)
		r.send("GET /file?name=large HTTP/1.1\r\nHost: x\r\n\r\n")
		slow = append(slow, r)
	}
	var last uint64
	same := 0
	system.Eventually(t, "nothing moves any more", func() bool {
		files, now := handedOver(g)
		if now != last || files < uint64(clients) {
			last, same = now, 0
		}
		same++
		return same > 5
	})
	return slow
}

// TestWorkerFileSlowReaders: clients that do not read keep nobody from being served, vanish without a trace, and get all
// of the file in the end.
func TestWorkerFileSlowReaders(t *testing.T) {
	t.Parallel()
	const size, clients = 100 << 20, 24
	for _, mode := range []string{"handler", "env"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			content := string(random(200_000))
			directory := site(t, map[string]string{"f": content})
			sparse(t, directory, "large", size)
			g := filesOf(t, mode, directory, "--send-timeout", "0")
			ask(t, g, "GET", "/file?name=f")
			before := g.Holdings()
			slow := stalledFiles(t, g, clients)
			for range 20 {
				if _, body := ask(t, g, "GET", "/file?name=f"); body != content {
					t.Errorf("beside slow clients: %d bytes", len(body))
				}
			}
			for i, r := range slow {
				if i%8 != 0 {
					_ = r.conn.Close() // in the middle
					continue
				}
				n, err := io.Copy(io.Discard, r.head("GET").Body)
				if err != nil || n != size {
					t.Errorf("%d bytes, %v", n, err)
				}
				r.send("GET /file?name=f HTTP/1.1\r\nHost: x\r\n\r\n")
				if _, body := r.answer("GET"); body != content {
					t.Errorf("next answer: %d bytes", len(body))
				}
				_ = r.conn.Close()
			}
			if v := violations(g); v != 0 {
				t.Errorf("%d violations", v)
			}
			g.ExpectHoldings(before, system.FirstUse)
			g.Stop()
		})
	}
}

// isCut expects that the answer ends before its length, and the connection with it.
func isCut(t *testing.T, r *raw, size int64) {
	t.Helper()
	n, err := io.Copy(io.Discard, r.head("GET").Body)
	if err == nil || n >= size {
		t.Errorf("%d bytes of %d, %v: want a cut", n, size, err)
	}
	_ = r.conn.Close()
}

// TestWorkerFileShrinks: a file that loses its bytes while it is sent cuts the answer, and nobody is blamed.
func TestWorkerFileShrinks(t *testing.T) {
	t.Parallel()
	const size, clients = 100 << 20, 8
	directory := site(t, map[string]string{"f": "small"})
	large := sparse(t, directory, "large", size)
	g := filesOf(t, "handler", directory, "--send-timeout", "0")
	ask(t, g, "GET", "/file?name=f")
	before := g.Holdings()
	slow := stalledFiles(t, g, clients)
	if err := os.Truncate(large, 10); err != nil {
		t.Fatal(err)
	}
	for _, r := range slow {
		isCut(t, r, size)
	}
	if v := violations(g); v != 0 {
		t.Errorf("%d violations", v)
	}
	if _, body := ask(t, g, "GET", "/file?name=large"); len(body) != 10 {
		t.Errorf("afterwards %d bytes", len(body))
	}
	g.ExpectHoldings(before, system.FirstUse)
	g.Stop()
}

// TestWorkerFileKilled: a worker that dies while its files are sent cuts them, and the gateway keeps none open.
func TestWorkerFileKilled(t *testing.T) {
	t.Parallel()
	const size, clients = 100 << 20, 8
	directory := site(t, map[string]string{"f": "small"})
	sparse(t, directory, "large", size)
	g := system.StartGateway(t, system.Options{Flags: []string{"--loops", "2", "--send-timeout", "0"}})
	start := func() *system.Process {
		worker := g.StartWorker("--files", directory, "--release", "r1")
		g.WaitReady(1)
		return worker
	}
	worker := start()
	ask(t, g, "GET", "/file?name=f")
	g.WaitIdle()
	before := descriptorsOf(g)
	slow := stalledFiles(t, g, clients)
	worker.Kill()
	for _, r := range slow {
		isCut(t, r, size)
	}
	start()
	if _, body := ask(t, g, "GET", "/file?name=f"); body != "small" {
		t.Errorf("afterwards %q", body)
	}
	system.Eventually(t, "the gateway has closed what the worker gave it", func() bool {
		return descriptorsOf(g) <= before
	})
	g.Stop()
}

// TestWorkerFileLogged: the access log counts bytes of files as it counts others.
func TestWorkerFileLogged(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{"f": string(random(3 << 20))})
	path := filepath.Join(t.TempDir(), "log")
	g := filesOf(t, "handler", directory, "--access-log", path, "--access-log-format", "json")
	for _, c := range []struct {
		field string
		want  uint64
	}{{"Accept: */*", 3 << 20}, {"Range: bytes=1-1000000", 1_000_000}} {
		if _, body := ask(t, g, "GET", "/file?name=f", c.field); uint64(len(body)) != c.want {
			t.Errorf("%s: %d bytes", c.field, len(body))
		}
	}
	g.Stop()
	lines := accessLines(t, path)
	// Each loop has a queue of its own.
	slices.SortFunc(lines, func(a, b accessLine) int { return cmp.Compare(a.Status, b.Status) })
	if len(lines) != 2 || lines[0].BodyBytesSent != 3<<20 || lines[1].BodyBytesSent != 1_000_000 || lines[1].Status != 206 ||
		lines[0].BytesSent <= 3<<20 || lines[0].End != "complete" {
		t.Errorf("%+v", lines)
	}
}
