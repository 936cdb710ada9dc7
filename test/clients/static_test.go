package clients

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

const fileSize = 300000

// startWithFiles starts a gateway that serves files of its own below /files, and says what entity tag the file has.
func startWithFiles(t *testing.T) (g *system.Gateway, etag string) {
	t.Helper()
	directory := t.TempDir()
	modified := time.Date(2024, time.February, 29, 12, 0, 0, 0, time.UTC)
	for name, text := range map[string][]byte{"data.bin": content[:fileSize], "large.bin": content, "page.html": []byte("<p>page"), "empty.txt": nil} {
		name = filepath.Join(directory, name)
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	g = startGateway(t, "handler", "--static", "/files="+directory)
	answer, err := http.Head(g.URL("/files/data.bin"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if etag = answer.Header.Get("ETag"); etag == "" {
		t.Fatalf("no ETag in %v", answer.Header)
	}
	return g, etag
}

// files are requests for files that the gateway serves itself, with some between them that the worker answers.
func files(etag string) []step {
	const path, modified = "/files/data.bin", "Thu, 29 Feb 2024 12:00:00 GMT"
	of := func(first, n int) check { return body(content[first : first+n]) }
	ask := func(fields ...string) request {
		r := get(path)
		for i := 0; i < len(fields); i += 2 {
			r.Fields = append(r.Fields, [2]string{fields[i], fields[i+1]})
		}
		return r
	}
	return []step{
		{ask(), nothing, 200, all(of(0, fileSize), field("Content-Length", itoa(fileSize)), field("Last-Modified", modified), field("Accept-Ranges", "bytes"), field("ETag", etag))},
		{ask().method("HEAD"), nothing, 200, all(body(nil), field("Content-Length", itoa(fileSize)))},
		{get("/"), nothing, 200, hello},
		{get("/files/large.bin"), nothing, 200, body(content)},
		{get("/files/page.html"), nothing, 200, all(text("<p>page"), field("Content-Type", "text/html; charset=utf-8"))},
		{get("/files/empty.txt"), nothing, 200, all(body(nil), field("Content-Length", "0"))},
		{ask("Range", "bytes=1000-1999"), nothing, 206, all(of(1000, 1000), field("Content-Range", "bytes 1000-1999/300000"))},
		{ask("Range", "bytes=-10"), nothing, 206, of(fileSize-10, 10)},
		{ask("Range", "bytes=200000-"), nothing, 206, all(of(200000, 100000), field("Content-Length", "100000"))},
		{ask("Range", "bytes=0-0,299999-"), nothing, 206, func(a answer) string {
			if !strings.HasPrefix(a.field("Content-Type"), "multipart/byteranges; boundary=") || itoa(a.Length) != a.field("Content-Length") {
				return "two ranges are not sent as two parts"
			}
			return holds("ytes 299999-299999/300000")(a)
		}},
		{ask("Range", "bytes=300000-"), nothing, 416, field("Content-Range", "bytes */300000")},
		{ask("Range", "bytes=0-9", "If-Range", etag), nothing, 206, of(0, 10)},
		{ask("Range", "bytes=0-9", "If-Range", `"old"`), nothing, 200, of(0, fileSize)},
		{ask("If-None-Match", etag), nothing, 304, all(body(nil), field("ETag", etag))},
		{ask("If-None-Match", `"old"`), nothing, 200, of(0, fileSize)},
		{ask("If-Modified-Since", modified), nothing, 304, body(nil)},
		{ask("If-Unmodified-Since", "Wed, 28 Feb 2024 12:00:00 GMT"), nothing, 412, nil},
		{ask("If-Match", `"old"`), nothing, 412, nil},
		{get("/files/none"), nothing, 404, nil},
		{send("POST", path, 0), nothing, 405, field("Allow", "GET, HEAD")},
		{send("POST", "/echo", 1000), nothing, 200, body(content[:1000])},
		{ask("Range", "bytes=10-19"), nothing, 206, of(10, 10)},
	}
}

// TestFiles: each client, and each proxy, understands the gateway's own answers to ranges and conditions.
func TestFiles(t *testing.T) {
	t.Parallel()
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, etag := startWithFiles(t)
			before, steps := accepted(g), files(etag)
			c.play(t, "http://"+g.Addr, false, steps)
			connections := uint64(1)
			for _, s := range steps {
				if c.leave != nil && c.leave(s.request) {
					connections++
				}
			}
			if got := accepted(g) - before; got != connections && !t.Failed() {
				t.Errorf("%d connections were accepted, want %d", got, connections)
			}
			clean(t, g)
		})
	}
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			g, etag := startWithFiles(t)
			clients[1].play(t, "http://"+p.start(t, g.Addr), false, files(etag))
			clean(t, g)
		})
	}
}
