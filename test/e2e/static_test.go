package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// site makes files; a name that ends in "/" is a directory. All are an hour old.
func site(t *testing.T, files map[string]string) (directory string) {
	t.Helper()
	directory = t.TempDir()
	for name, content := range files {
		path := filepath.Join(directory, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		setTime(t, path, time.Now().Add(-time.Hour))
	}
	return directory
}

func setTime(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// serveFiles starts a gateway without a worker: nothing but it can answer.
func serveFiles(t *testing.T, flags ...string) *system.Gateway {
	t.Helper()
	return system.StartGateway(t, system.Options{Flags: append([]string{"--loops", "2", "--queue-deadline", "100ms"}, flags...)})
}

// ask sends a request of its own connection, so that the path is sent as it stands here.
func ask(t *testing.T, g *system.Gateway, method, target string, fields ...string) (*http.Response, string) {
	t.Helper()
	r := dial(t, g)
	defer r.conn.Close()
	r.send("%s %s HTTP/1.1\r\nHost: x\r\n", method, target)
	for _, field := range fields {
		r.send("%s\r\n", field)
	}
	r.send("\r\n")
	return r.answer(method)
}

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{
		"a.txt": "hello", "index.html": "<top>", "sub/index.html": "<sub>", "sub/x.JS": "js", "empty": "", "bare/": "",
		"with space": "space", "ü.css": "css", "odd/index.html/": "", "x.tar.unknown": "?",
	})
	other := site(t, map[string]string{"b.txt": "other", ".well-known/x": "no"})
	top := site(t, map[string]string{"c.txt": "top", ".well-known/x": "known", ".well-known/.y": "hidden", ".hidden": "hidden"})
	g := serveFiles(t, "--static", "/assets="+directory, "--static", "/assets/deep="+other, "--static", "/="+top,
		"--static-cache", "max-age=3600", "--native-path", "/assets/ping=pong")
	for target, want := range map[string]struct {
		status     int
		kind, body string
	}{
		"/assets/a.txt":               {200, "text/plain; charset=utf-8", "hello"},
		"/assets/a.txt?q=/../x":       {200, "text/plain; charset=utf-8", "hello"},
		"/assets/%61.t%78t":           {200, "text/plain; charset=utf-8", "hello"},
		"http://y/assets/a.txt":       {200, "text/plain; charset=utf-8", "hello"},
		"/assets/":                    {200, "text/html; charset=utf-8", "<top>"},
		"/assets/sub/":                {200, "text/html; charset=utf-8", "<sub>"},
		"/assets/sub/x.JS":            {200, "text/javascript; charset=utf-8", "js"},
		"/assets/empty":               {200, "application/octet-stream", ""},
		"/assets/with%20space":        {200, "application/octet-stream", "space"},
		"/assets/%c3%bc.css":          {200, "text/css; charset=utf-8", "css"},
		"/assets/x.tar.unknown":       {200, "application/octet-stream", "?"},
		"/assets/deep/b.txt":          {200, "text/plain; charset=utf-8", "other"},
		"/c.txt":                      {200, "text/plain; charset=utf-8", "top"},
		"/.well-known/x":              {200, "application/octet-stream", "known"},
		"/assets/ping":                {200, "text/plain", "pong"},
		"/assets":                     {301, "/assets/", ""},
		"/assets/sub":                 {301, "/assets/sub/", ""},
		"/assets/sub?a=b?c":           {301, "/assets/sub/?a=b?c", ""},
		"/assets/%73ub":               {301, "/assets/%73ub/", ""},
		"/assets/deep":                {301, "/assets/deep/", ""},
		"/assets/bare":                {301, "/assets/bare/", ""},
		"/assets/bare/":               {404, "", ""},
		"/assets/odd/":                {404, "", ""},
		"/assets/none":                {404, "", ""},
		"/assets/none/":               {404, "", ""},
		"/assets/a.txt/":              {404, "", ""},
		"/assets/a.txt/x":             {404, "", ""},
		"/assets/deep/a.txt":          {404, "", ""},
		"/assets/deep/.well-known/x":  {404, "", ""},
		"/.well-known/.y":             {404, "", ""},
		"/.hidden":                    {404, "", ""},
		"/assetsx":                    {404, "", ""}, // of the site of "/"
		"/assets/" + longName + "/":   {404, "", ""},
		"/assets/" + longName:         {404, "", ""},
		"/assets/a%":                  {400, "", ""},
		"/assets/a%00.txt":            {400, "", ""},
		"/assets/" + "%2e/" + "a.txt": {404, "", ""},
	} {
		answer, body := ask(t, g, "GET", target)
		kind := answer.Header.Get("Content-Type")
		if answer.StatusCode == 301 {
			kind, body = answer.Header.Get("Location"), ""
		}
		if answer.StatusCode != want.status || (want.kind != "" && (kind != want.kind || body != want.body)) {
			t.Errorf("%.80s: %s, %q, %.80q, want %v", target, answer.Status, kind, body, want)
		}
		if target != "/assets/ping" && answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%.80s: %v", target, answer.Header)
		}
	}
	s := g.Stats()
	if answers := s.Loops[0].StaticAnswers + s.Loops[1].StaticAnswers; answers != 36 {
		t.Errorf("%d static answers", answers)
	}
	g.WaitNoConnections()
	g.Stop()
}

var longName = strings.Repeat("n", 5000)

// TestStaticHeaders: HEAD says what GET says, and the other methods are told what there is.
func TestStaticHeaders(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{"a.txt": "hello", "future": "x"})
	modified := time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)
	setTime(t, filepath.Join(directory, "a.txt"), modified)
	setTime(t, filepath.Join(directory, "future"), time.Now().Add(time.Hour))
	g := serveFiles(t, "--static", "/s="+directory, "--static-cache", "max-age=3600")
	answer, _ := ask(t, g, "GET", "/s/a.txt")
	head, body := ask(t, g, "HEAD", "/s/a.txt")
	answer.Header.Del("Date")
	head.Header.Del("Date")
	if !maps.EqualFunc(answer.Header, head.Header, func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) || body != "" || head.StatusCode != 200 {
		t.Errorf("GET %v, HEAD %v %q", answer.Header, head.Header, body)
	}
	for name, want := range map[string]string{
		"Content-Length": "5", "Last-Modified": "Thu, 29 Feb 2024 12:00:00 GMT", "Accept-Ranges": "bytes",
		"Cache-Control": "max-age=3600", "Vary": "", "Content-Encoding": "",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if tag := answer.Header.Get("Etag"); len(tag) < 10 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		t.Errorf("ETag %s", tag)
	}
	// RFC 9110 8.8.2.1: a file from the future was not modified later than its answer.
	answer, _ = ask(t, g, "GET", "/s/future")
	if answer.Header.Get("Last-Modified") != answer.Header.Get("Date") {
		t.Errorf("Last-Modified %q, Date %q", answer.Header.Get("Last-Modified"), answer.Header.Get("Date"))
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "QUERY"} {
		for _, target := range []string{"/s/a.txt", "/s/none"} {
			answer, _ := ask(t, g, method, target)
			if answer.StatusCode != 405 || answer.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s: %s, Allow %q", method, answer.Status, answer.Header.Get("Allow"))
			}
		}
	}
	g.Stop()
}

// TestStaticETagChanges with each change of the file, be it within its second and of the same size.
func TestStaticETagChanges(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{"a": "one"})
	g := serveFiles(t, "--static", "/s="+directory)
	path := filepath.Join(directory, "a")
	seen := map[string]bool{}
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i := range 5 {
		setTime(t, path, at.Add(time.Duration(i)))
		answer, _ := ask(t, g, "GET", "/s/a")
		seen[answer.Header.Get("Etag")] = true
	}
	if err := os.WriteFile(path+"2", []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	setTime(t, path+"2", at)
	if err := os.Rename(path+"2", path); err != nil {
		t.Fatal(err)
	}
	answer, body := ask(t, g, "GET", "/s/a")
	seen[answer.Header.Get("Etag")] = true
	if len(seen) != 6 || body != "two" {
		t.Errorf("%v, %q", seen, body)
	}
	g.Stop()
}

func TestStaticCodings(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{
		"a.js": "identity", "a.js.gz": "in gzip", "a.js.br": "in br", "old.js": "identity", "old.js.gz": "stale", "only.js.gz": "x",
		"d/index.html": "<d>", "d/index.html.gz": "<gz>",
	})
	setTime(t, filepath.Join(directory, "old.js.gz"), time.Now().Add(-2*time.Hour))
	setTime(t, filepath.Join(directory, "a.js"), time.Now().Add(-2*time.Hour))
	setTime(t, filepath.Join(directory, "d/index.html"), time.Now().Add(-2*time.Hour))
	g := serveFiles(t, "--static", "/s="+directory)
	tags := map[string]bool{}
	for _, test := range []struct {
		target, accept, coding, body string
		status                       int
		varies                       bool
	}{
		{"/s/a.js", "", "", "identity", 200, true},
		{"/s/a.js", "gzip", "gzip", "in gzip", 200, true},
		{"/s/a.js", "gzip, br", "br", "in br", 200, true},
		{"/s/a.js", "gzip;q=1, br;q=0.5", "gzip", "in gzip", 200, true},
		{"/s/a.js", "gzip;q=0", "", "identity", 200, true},
		{"/s/a.js", "*;q=0", "", "", 406, true},
		{"/s/old.js", "gzip, br", "", "identity", 200, false},
		{"/s/old.js", "identity;q=0", "", "", 406, false},
		{"/s/only.js", "gzip", "", "", 404, false},
		{"/s/d/", "gzip", "gzip", "<gz>", 200, true},
		{"/s/a.js.gz", "gzip", "", "in gzip", 200, false},
	} {
		var fields []string
		if test.accept != "" {
			fields = []string{"Accept-Encoding: " + test.accept}
		}
		answer, body := ask(t, g, "GET", test.target, fields...)
		if answer.StatusCode != test.status || answer.Header.Get("Content-Encoding") != test.coding || (test.body != "" && body != test.body) ||
			(answer.Header.Get("Vary") == "Accept-Encoding") != test.varies {
			t.Errorf("%+v: %s %v %q", test, answer.Status, answer.Header, body)
		}
		if test.target == "/s/a.js" && test.status == 200 {
			if kind := answer.Header.Get("Content-Type"); kind != "text/javascript; charset=utf-8" {
				t.Errorf("%+v: %s", test, kind)
			}
			tags[answer.Header.Get("Etag")] = true
		}
	}
	if len(tags) != 3 {
		t.Errorf("ETags %v, want one for each representation", tags)
	}
	// A range is one of the selected representation.
	answer, body := ask(t, g, "GET", "/s/a.js", "Accept-Encoding: gzip", "Range: bytes=3-")
	if body != "gzip" || answer.Header.Get("Content-Range") != "bytes 3-6/7" || answer.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v %q", answer.Header, body)
	}
	g.Stop()
}
