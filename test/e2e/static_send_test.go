package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"ringway/test/e2e/system"
)

// sparse makes a file of zeros that takes no space.
func sparse(t *testing.T, directory, name string, size int64) (path string) {
	t.Helper()
	path = filepath.Join(directory, name)
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

func staticBytes(g *system.Gateway) (sum uint64) {
	for _, loop := range g.Stats().Loops {
		sum += loop.StaticBytes
	}
	return sum
}

// stalled waits until clients that do not read have been sent all that their sockets take. A wrong answer only makes
// what is asserted then easier to meet.
func stalled(t *testing.T, g *system.Gateway, least uint64) {
	t.Helper()
	var last uint64
	same := 0
	system.Eventually(t, "nothing moves any more", func() bool {
		now := staticBytes(g)
		if now != last || now < least {
			last, same = now, 0
		}
		same++
		return same > 5
	})
}

// TestStaticSlowReaders: a client that does not read costs the gateway a piece of the file, and gets all of it in the end.
func TestStaticSlowReaders(t *testing.T) {
	t.Parallel()
	const size, clients = 100 << 20, 24
	directory := site(t, map[string]string{"a.txt": "hello"})
	sparse(t, directory, "large", size)
	g := serveFiles(t, "--static", "/s="+directory, "--send-timeout", "0")
	ask(t, g, "GET", "/s/a.txt")
	before := g.Holdings()
	resident := residentKiB(t, g.Pid())
	var slow []*raw
	for range clients {
		r := dial(t, g)
		r.send("GET /s/large HTTP/1.1\r\nHost: x\r\n\r\n")
		slow = append(slow, r)
	}
	stalled(t, g, clients*65536)
	if grown := residentKiB(t, g.Pid()) - resident; grown > 16<<10 {
		t.Errorf("%d KiB more resident for %d slow clients", grown, clients)
	}
	if sent := staticBytes(g); sent > clients*size/2 {
		t.Errorf("%d bytes were read for clients that take none", sent)
	}
	for range 20 {
		if _, body := ask(t, g, "GET", "/s/a.txt"); body != "hello" {
			t.Errorf("beside slow clients: %q", body)
		}
	}
	for i, r := range slow {
		if i%8 != 0 {
			_ = r.conn.Close() // in the middle
			continue
		}
		answer := r.head("GET")
		n, err := io.Copy(io.Discard, answer.Body)
		if err != nil || n != size {
			t.Errorf("%d bytes, %v", n, err)
		}
		r.send("GET /s/a.txt HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, body := r.answer("GET"); body != "hello" {
			t.Errorf("next answer: %q", body)
		}
		_ = r.conn.Close()
	}
	g.ExpectHoldings(before, system.DefaultAllowance)
	g.Stop()
}

// TestStaticUncached: bytes that are not in the page cache come through the thread pool, in order and whole.
func TestStaticUncached(t *testing.T) {
	t.Parallel()
	const size, clients = 6<<20 + 12345, 8
	content := random(size)
	directory := site(t, map[string]string{"a.bin": string(content)})
	file, err := os.Open(filepath.Join(directory, "a.bin"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g := serveFiles(t, "--static", "/s="+directory)
	client := newClient(t)
	for range 3 {
		// Where the file system has no cache of its own to drop, this tests what the others do.
		if err := errors.Join(file.Sync(), unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				request, _ := http.NewRequest("GET", g.URL("/s/a.bin"), nil)
				from := i * 700_000
				if i != 0 {
					request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
				}
				answer, err := client.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				defer answer.Body.Close()
				body, err := io.ReadAll(answer.Body)
				if err != nil || !bytes.Equal(body, content[from:]) {
					t.Errorf("from %d: %s, %d bytes, %v", from, answer.Status, len(body), err)
				}
			})
		}
		all.Wait()
	}
	g.Stop()
}

// TestStaticFileChangesSize while it is sent: of one that grows the announced bytes are sent, one that shrinks ends the
// connection before its end.
func TestStaticFileChangesSize(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	directory := t.TempDir()
	grows, shrinks := sparse(t, directory, "grows", size), sparse(t, directory, "shrinks", size)
	g := serveFiles(t, "--static", "/s="+directory)
	one, other := dial(t, g), dial(t, g)
	one.send("GET /s/grows HTTP/1.1\r\nHost: x\r\n\r\n")
	other.send("GET /s/shrinks HTTP/1.1\r\nHost: x\r\n\r\n")
	stalled(t, g, 131072)
	if err := errors.Join(os.Truncate(grows, 2*size), os.Truncate(shrinks, 1000)); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, one.head("GET").Body); n != size || err != nil {
		t.Errorf("of a growing file: %d bytes, %v", n, err)
	}
	one.send("HEAD /s/grows HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer, _ := one.answer("HEAD"); answer.ContentLength != 2*size {
		t.Errorf("grown: %d bytes", answer.ContentLength)
	}
	if n, err := io.Copy(io.Discard, other.head("GET").Body); n >= size || err == nil {
		t.Errorf("of a shrinking file: %d bytes, %v", n, err)
	}
	if s := g.Stats(); s.Loops[0].Cut+s.Loops[1].Cut != 1 {
		t.Errorf("%d and %d connections cut", s.Loops[0].Cut, s.Loops[1].Cut)
	}
	_, _ = one.conn.Close(), other.conn.Close()
	g.WaitNoConnections()
	g.Stop()
}

// TestStaticPipeline: answers come in the order of the requests, whoever gives them.
func TestStaticPipeline(t *testing.T) {
	t.Parallel()
	large := random(200_000)
	directory := site(t, map[string]string{"small": "small", "large": string(large)})
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--static", "/s=" + directory, "--native-path", "/ping=pong"}})
	kinds := []struct{ method, path, body, want string }{
		{"GET", "/s/small", "", "small"}, {"GET", "/s/large", "", string(large)}, {"GET", "/s/none", "", "404 no such file\n"},
		{"GET", "/ping", "", "pong"}, {"GET", "/", "", "Hello, World!"}, {"HEAD", "/s/large", "", ""},
		{"POST", "/s/small", "abc", "405 only GET and HEAD are served here\n"}, {"GET", "/s/small", "abc", "small"},
		{"POST", "/echo", "echo", "echo"}, {"GET", "/s/%", "", "400 path is malformed\n"},
	}
	for seed := range uint64(8) {
		r := dial(t, g)
		random := rand.New(rand.NewPCG(seed, 1))
		var order []int
		var text strings.Builder
		for range 60 {
			n := random.IntN(len(kinds))
			order = append(order, n)
			fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: x\r\n", kinds[n].method, kinds[n].path)
			if length := len(kinds[n].body); length != 0 && random.IntN(2) == 0 {
				fmt.Fprintf(&text, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", length, kinds[n].body)
			} else if length != 0 {
				fmt.Fprintf(&text, "Content-Length: %d\r\n\r\n%s", length, kinds[n].body)
			} else {
				text.WriteString("\r\n")
			}
		}
		r.send("%s", text.String())
		for i, n := range order {
			if answer, body := r.answer(kinds[n].method); body != kinds[n].want {
				t.Fatalf("seed %d: answer %d, to %s %s: %s, %d bytes", seed, i, kinds[n].method, kinds[n].path, answer.Status, len(body))
			}
		}
		_ = r.conn.Close()
	}
	g.WaitIdle()
	g.Stop()
}

// TestStaticBodies: what comes of a body after the answer ends the connection if it must, and never makes a second answer.
func TestStaticBodies(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{"a": "hello"})
	sparse(t, directory, "large", 64<<20)
	g := serveFiles(t, "--static", "/s="+directory)
	r := dial(t, g)
	r.send("GET /s/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if answer, body := r.answer("GET"); body != "hello" || !answer.Close {
		t.Errorf("%s %q, close %v", answer.Status, body, answer.Close)
	}
	r.closed()
	for _, test := range []struct{ path, rest string }{{"/s/a", "zz\r\n"}, {"/s/large", "zz\r\n"}, {"/s/none", "zz\r\n"}} {
		r := dial(t, g)
		r.send("GET %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s", test.path, test.rest)
		answer := r.head("GET") // to the file or to the body, whichever was first
		n, err := io.Copy(io.Discard, answer.Body)
		if answer.StatusCode == 200 && test.path == "/s/large" && err == nil {
			t.Errorf("%d bytes", n)
		}
		rest, _ := io.ReadAll(r.in)
		if len(rest) != 0 {
			t.Errorf("%s: %q behind the answer", test.path, rest)
		}
		_ = r.conn.Close()
	}
	g.WaitNoConnections()
	g.Stop()
}

// TestStaticOldClients: HTTP/1.0, with and without keep-alive.
func TestStaticOldClients(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{"a": "hello"})
	g := serveFiles(t, "--static", "/s="+directory)
	r := dial(t, g)
	r.send("GET /s/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	if answer, body := r.answer("GET"); body != "hello" || answer.Header.Get("Connection") != "keep-alive" {
		t.Errorf("%v %q", answer.Header, body)
	}
	r.send("GET /s/a HTTP/1.0\r\n\r\n")
	if _, body := r.answer("GET"); body != "hello" {
		t.Errorf("%q", body)
	}
	r.closed()
	g.Stop()
}

// TestStaticStop: answers that are being sent are finished when the gateway is told to stop; what is left when it is
// told again is cut, also while the thread pool works.
func TestStaticStop(t *testing.T) {
	t.Parallel()
	const size = 48 << 20
	directory := t.TempDir()
	sparse(t, directory, "large", size)
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprintf("cut=%v", cut), func(t *testing.T) {
			t.Parallel()
			g := serveFiles(t, "--static", "/s="+directory)
			var all []*raw
			for range 4 {
				r := dial(t, g)
				r.send("GET /s/large HTTP/1.1\r\nHost: x\r\n\r\n")
				all = append(all, r)
			}
			stalled(t, g, 4*65536)
			for range 64 {
				if r := dial(t, g); cut {
					r.send("GET /s/large HTTP/1.1\r\nHost: x\r\n\r\n")
				}
			}
			exit := func() {
				if status := g.Exit(system.Patience); status != 0 {
					t.Errorf("status %d: %s", status, g.Stderr())
				}
			}
			g.Signal(syscall.SIGTERM)
			if cut {
				system.Eventually(t, "stopping", func() bool { return strings.Contains(g.Stderr(), "gateway is stopping") })
				g.Signal(syscall.SIGTERM)
				exit() // clients that read meanwhile could have it all before the cut
			}
			for _, r := range all {
				n, err := io.Copy(io.Discard, r.head("GET").Body)
				if whole := n == size && err == nil; whole == cut {
					t.Errorf("%d bytes, %v", n, err)
				}
				_ = r.conn.Close()
			}
			if !cut {
				exit()
			}
		})
	}
}

// TestStaticLoad: many clients at a time, some of which leave in the middle, and files that come and go.
func TestStaticLoad(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	var want [8][]byte
	for i := range want {
		want[i] = random(i * i * 5000)
		if err := os.WriteFile(filepath.Join(directory, fmt.Sprint(i)), want[i], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := serveFiles(t, "--static", "/s="+directory)
	before := g.Holdings()
	var all sync.WaitGroup
	for seed := range uint64(16) {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: system.Patience}
			defer client.CloseIdleConnections()
			random := rand.New(rand.NewPCG(seed, 2))
			for range 150 {
				n := random.IntN(len(want) + 1)
				answer, err := client.Get(g.URL(fmt.Sprintf("/s/%d", n)))
				if err != nil {
					t.Error(err)
					return
				}
				if random.IntN(4) == 0 {
					_ = answer.Body.Close() // in the middle
					continue
				}
				body, err := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if n == len(want) && (answer.StatusCode != 404 && answer.StatusCode != 200) || n < len(want) && (err != nil || sha256.Sum256(body) != sha256.Sum256(want[n])) {
					t.Errorf("%d: %s, %d bytes, %v", n, answer.Status, len(body), err)
				}
			}
		})
	}
	all.Go(func() {
		path := filepath.Join(directory, fmt.Sprint(len(want)))
		for range 200 {
			if err := errors.Join(os.WriteFile(path+"~", want[3], 0o644), os.Rename(path+"~", path), os.Remove(path)); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	g.ExpectHoldings(before, system.DefaultAllowance)
	g.Stop()
}

// TestStaticWithCurl: what curl makes of ranges, also where it goes on with a part.
func TestStaticWithCurl(t *testing.T) {
	t.Parallel()
	content := random(100_000)
	directory := site(t, map[string]string{"a.bin": string(content)})
	g := serveFiles(t, "--static", "/s="+directory)
	part := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(part, content[:33_333], 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing left
		if text, err := exec.Command("curl", "-sS", "-C", "-", "-o", part, g.URL("/s/a.bin")).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, text)
		}
		if got, err := os.ReadFile(part); err != nil || !bytes.Equal(got, content) {
			t.Errorf("continued: %d bytes, %v", len(got), err)
		}
	}
	if got, err := exec.Command("curl", "-sS", "--range", "10-19", g.URL("/s/a.bin")).Output(); err != nil || !bytes.Equal(got, content[10:20]) {
		t.Errorf("range: %d bytes, %v", len(got), err)
	}
	g.Stop()
}
