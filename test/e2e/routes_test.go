package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// newClient has connections of its own.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * system.Patience}
}

func get(t *testing.T, client *http.Client, url string) (*http.Response, []byte) {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s: %v after %d bytes", url, err, len(body))
	}
	return answer, body
}

// random bytes, the same for a size each time.
func random(size int) []byte {
	source := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)})
	b := make([]byte, size)
	_, _ = source.Read(b)
	return b
}

func TestRoutes(t *testing.T) {
	everyWorker(t, func(t *testing.T, g *system.Gateway) {
		client := newClient(t)
		t.Run("fixed", func(t *testing.T) {
			for path, want := range map[string]struct {
				status     int
				kind, body string
			}{
				"/":                 {200, "text/plain", "Hello, World!"},
				"/json":             {200, "application/json", `{"message":"Hello, World!","count":13,"ready":true}` + "\n"},
				"/ping":             {200, "text/plain", "pong"},
				"/sleep?ms=1":       {200, "text/plain", "slept 1ms\n"},
				"/stream?n=2":       {200, "text/plain", "chunk 0\nchunk 1\n"},
				"/stream?n=0":       {200, "text/plain", ""},
				"/bytes?n=0":        {200, "application/octet-stream", ""},
				"/bytes?n=3":        {200, "application/octet-stream", "012"},
				"/status?code=404":  {404, "text/plain", "status 404\n"},
				"/status?code=503":  {503, "text/plain", "status 503\n"},
				"/status?code=299":  {299, "text/plain", "status 299\n"},
				"/status?code=1":    {400, "text/plain", "code=\"1\": want a number from 200 to 999\n"},
				"/bytes?n=-1":       {400, "text/plain", "n=\"-1\": want a number from 0 to 1073741824\n"},
				"/nope":             {404, "text/plain", "no route \"/nope\"\n"},
				"/bytes?n=5&copy=x": {400, "text/plain", "copy=\"x\": want none\n"},
			} {
				answer, body := get(t, client, g.URL(path))
				if answer.StatusCode != want.status || answer.Header.Get("Content-Type") != want.kind || strings.TrimRight(string(body), "\n") != strings.TrimRight(want.body, "\n") {
					t.Errorf("%s: %s %s %q, want %v", path, answer.Status, answer.Header.Get("Content-Type"), body, want)
				}
				if date, err := http.ParseTime(answer.Header.Get("Date")); err != nil || time.Since(date) > time.Minute {
					t.Errorf("%s: Date %q", path, answer.Header.Get("Date"))
				}
			}
		})
		t.Run("bytes", func(t *testing.T) {
			for _, n := range []int{1, 255, 256, 257, 1023, 1024, 1025, 4096, 65535, 65536, 65537, 300 << 10, 8 << 20} {
				for _, query := range []string{"", "&copy=none"} {
					answer, body := get(t, client, g.URL(fmt.Sprintf("/bytes?n=%d%s", n, query)))
					if len(body) != n || answer.ContentLength != int64(n) || !isPattern(body) {
						t.Errorf("n=%d%s: %d bytes, length %d, pattern %v", n, query, len(body), answer.ContentLength, isPattern(body))
					}
				}
			}
		})
		t.Run("pid", func(t *testing.T) {
			_, body := get(t, client, g.URL("/pid"))
			var got struct {
				Pid     int
				Release string
			}
			if err := json.Unmarshal(body, &got); err != nil || got.Pid != g.Stats().Workers[0].Pid || got.Release != "r1" {
				t.Errorf("%s, %v", body, err)
			}
		})
		t.Run("headers", func(t *testing.T) {
			request, _ := http.NewRequest("GET", g.URL("/headers"), nil)
			request.Host = "own.test"
			request.Header = http.Header{"X-Own": {"a", "b"}, "Accept": {"x/y"}, "Cookie": {"a=1"}, "Connection": {"x-drop"}, "X-Drop": {"hop"}}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			got := http.Header{}
			if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got["X-Own"]) != "[a b]" || got.Get("Host") != "own.test" || got.Get("Accept") != "x/y" || got.Get("X-Drop") != "" || got.Get("Connection") != "" {
				t.Errorf("%v", got)
			}
		})
		t.Run("panic", func(t *testing.T) {
			r := dial(t, g)
			r.send("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n")
			answer, _ := r.answer("GET")
			if answer.StatusCode != 500 {
				t.Errorf("%s", answer.Status)
			}
			if answer.Close {
				r.closed()
				return
			}
			r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, body := r.answer("GET"); body != "Hello, World!" {
				t.Errorf("after a panic: %q", body)
			}
		})
		t.Run("stream", func(t *testing.T) {
			// What is flushed comes before the handler ends: it waits for what the client sends when it has read that.
			r := dial(t, g)
			r.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nline 0\r\n")
			answer := r.head("POST")
			for i := range 3 {
				line := make([]byte, len("line 0"))
				if _, err := io.ReadFull(answer.Body, line); err != nil || string(line) != fmt.Sprintf("line %d", i) {
					t.Fatalf("%q, %v", line, err)
				}
				r.send("6\r\nline %d\r\n", i+1)
			}
			r.send("0\r\n\r\n")
			if rest, err := io.ReadAll(answer.Body); err != nil || string(rest) != "line 3" {
				t.Errorf("%q, %v", rest, err)
			}
		})
	})
}

const patternAlphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

// isPattern reports whether bytes are what /bytes answers with.
func isPattern(b []byte) bool {
	for i, c := range b {
		if c != patternAlphabet[i%len(patternAlphabet)] {
			return false
		}
	}
	return true
}

func TestBodies(t *testing.T) {
	everyWorker(t, func(t *testing.T, g *system.Gateway) {
		client := newClient(t)
		for _, size := range []int{0, 1, 1000, 1024, 4097, 65535, 65536, 65537, 262144, 1 << 20, 8 << 20} {
			body := random(size)
			for _, chunked := range []bool{false, true} {
				name := fmt.Sprintf("%d chunked=%v", size, chunked)
				var reader io.Reader = bytes.NewReader(body)
				if chunked {
					reader = io.MultiReader(reader) // hides the length
				}
				request, _ := http.NewRequest("POST", g.URL("/echo"), reader)
				request.Header.Set("Content-Type", "text/x-own")
				answer, err := client.Do(request)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err != nil || !bytes.Equal(got, body) || answer.Header.Get("Content-Type") != "text/x-own" {
					t.Fatalf("%s: %d bytes came back, equal: %v, %v", name, len(got), bytes.Equal(got, body), err)
				}
				if !chunked && answer.ContentLength != int64(size) {
					t.Errorf("%s: Content-Length %d", name, answer.ContentLength)
				}

				reader = bytes.NewReader(body)
				if chunked {
					reader = io.MultiReader(reader)
				}
				answer, err = client.Post(g.URL("/upload"), "a/b", reader)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				var sum struct {
					Bytes  int64
					SHA256 string
				}
				err = json.NewDecoder(answer.Body).Decode(&sum)
				answer.Body.Close()
				want := sha256.Sum256(body)
				if err != nil || sum.Bytes != int64(size) || sum.SHA256 != hex.EncodeToString(want[:]) {
					t.Errorf("%s: upload %+v, %v", name, sum, err)
				}
			}
		}
	})
}
