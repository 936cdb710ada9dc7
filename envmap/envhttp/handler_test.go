package envhttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envhttp"
)

// lines is a log for several goroutines.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve is a server of net/http with an App behind it.
func serve(t *testing.T, h http.Handler) (*httptest.Server, *lines) {
	t.Helper()
	errs := new(lines)
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(errs, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s, errs
}

func get(t *testing.T, s *httptest.Server, method, path string, body io.Reader) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Own", "1")
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(b)
}

func TestAppBehindNetHTTP(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	s, errs := serve(t, envhttp.Handler(func(env envmap.Env) error {
		switch env.Path() {
		case "/env":
			local, _ := env.Get(envmap.KeyIsLocal)
			return env.Reply(201).Header("X-Back", env.Header("x-own")).Text(fmt.Sprint(
				env.Method(), env.Path(), env.Query(), env.Target(), env.Scheme(), env.Protocol(), env.RemoteIP(), local,
				env.ContentLength(), env.Header("host") != ""))
		case "/echo":
			return env.Reply(200).Type("a/b").Reader(env.Body())
		case "/long":
			return env.Reply(200).Bytes([]byte(long))
		case "/place":
			b, err := env.Reserve(len(long))
			if err != nil {
				return err
			}
			return env.Commit(copy(b, long))
		case "/204":
			return env.Reply(204).Empty()
		case "/fail":
			return errors.New("own failure")
		case "/status":
			return env.Set(envmap.KeyResponseStatusCode, "200")
		}
		return envmap.NotFound(env)
	}))
	answer, body := get(t, s, "GET", "/env?q=%20", nil)
	equal(t, "status", answer.StatusCode, 201)
	equal(t, "X-Back", answer.Header.Get("X-Back"), "1")
	equal(t, "body", body, fmt.Sprint("GET", "/env", "q=%20", "/env?q=%20", "http", "HTTP/1.1", "127.0.0.1", true, int64(0), true))
	for _, reader := range []io.Reader{strings.NewReader(long), struct{ io.Reader }{strings.NewReader(long)}} {
		answer, body = get(t, s, "POST", "/echo", reader)
		equal(t, "type", answer.Header.Get("Content-Type"), "a/b")
		equal(t, "is the same", body == long, true)
	}
	answer, body = get(t, s, "GET", "/long", nil)
	equal(t, "length", answer.ContentLength, int64(len(long)))
	equal(t, "type nobody chose", answer.Header.Get("Content-Type"), "")
	equal(t, "is the same", body == long, true)
	answer, body = get(t, s, "HEAD", "/long", nil)
	equal(t, "length of HEAD", answer.ContentLength, int64(len(long)))
	equal(t, "body of HEAD", body, "")
	if _, body = get(t, s, "GET", "/place", nil); body == "" || !strings.HasPrefix(long, body) {
		t.Errorf("in place: %d bytes", len(body))
	}
	answer, _ = get(t, s, "GET", "/204", nil)
	equal(t, "204", fmt.Sprint(answer.StatusCode, answer.Header["Content-Length"]), "204 []")
	for path, text := range map[string]string{"/fail": "own failure", "/status": "owin.ResponseStatusCode is of type string"} {
		answer, body = get(t, s, "GET", path, nil)
		equal(t, path, fmt.Sprint(answer.StatusCode, body), "500Internal Server Error\n")
		if !strings.Contains(errs.String(), text) {
			t.Errorf("%s: the log has %q", path, errs)
		}
	}
}

// TestAppCutsOff: an error after the first write never looks like a whole answer.
func TestAppCutsOff(t *testing.T) {
	kept := make(chan context.Context, 1)
	s, _ := serve(t, envhttp.Handler(func(env envmap.Env) error {
		kept <- env.Context()
		_ = env.Flush()
		return errors.New("own failure")
	}))
	answer, err := s.Client().Get(s.URL)
	if err == nil {
		defer answer.Body.Close()
		_, err = io.ReadAll(answer.Body)
	}
	if err == nil {
		t.Error("the answer looks whole")
	}
	equal(t, "cause", context.Cause(<-kept).Error(), "own failure")
}

// TestReadLeftBehind: a goroutine that still reads the body does not keep the response from ending.
func TestReadLeftBehind(t *testing.T) {
	result := make(chan error, 1)
	s, _ := serve(t, envhttp.Handler(func(env envmap.Env) error {
		body, started := env.Body(), make(chan struct{})
		if _, err := io.ReadFull(body, make([]byte, 1)); err != nil {
			return err
		}
		go func() {
			close(started)
			_, err := body.Read(make([]byte, 1))
			result <- err
		}()
		<-started
		return env.Reply(200).Text("done")
	}))
	in, out := io.Pipe()
	defer out.Close()
	go func() { _, _ = out.Write([]byte("x")) }()
	if _, body := get(t, s, "POST", "/", in); body != "done" {
		t.Errorf("%q", body)
	}
	if err := <-result; err == nil {
		t.Error("the read succeeded")
	}
}
