package e2e

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStaticConditions(t *testing.T) {
	t.Parallel()
	directory := site(t, map[string]string{"a.txt": "hello"})
	modified := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	setTime(t, filepath.Join(directory, "a.txt"), modified)
	g := serveFiles(t, "--static", "/s="+directory, "--static-cache", "no-cache")
	first, _ := ask(t, g, "GET", "/s/a.txt")
	tag := first.Header.Get("Etag")
	const date, before = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:36 GMT"
	for _, test := range []struct {
		status int
		fields string
	}{
		{304, "If-None-Match: " + tag},
		{304, `If-None-Match: "x", W/` + tag},
		{304, "If-None-Match: \"x\"\nIf-None-Match: " + tag},
		{304, "If-None-Match: *"},
		{200, `If-None-Match: "x"`},
		{200, "If-None-Match: \"x\"\nIf-Modified-Since: " + date},
		{304, "If-Modified-Since: " + date},
		{304, "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"},
		{304, "If-Modified-Since: Sun Nov  6 08:49:37 1994"},
		{200, "If-Modified-Since: " + before},
		{200, "If-Modified-Since: " + date + "\nIf-Modified-Since: " + date},
		{200, "If-Match: " + tag},
		{412, "If-Match: W/" + tag},
		{412, `If-Match: "x"`},
		{412, "If-Unmodified-Since: " + before},
		{200, "If-Unmodified-Since: " + date},
		{304, "If-Match: " + tag + "\nIf-None-Match: " + tag},
		{412, "If-Unmodified-Since: " + before + "\nIf-None-Match: " + tag},
		{206, "Range: bytes=0-1"},
		{206, "Range: bytes=0-1\nIf-Range: " + tag},
		{206, "Range: bytes=0-1\nIf-Range: " + date},
		{200, "Range: bytes=0-1\nIf-Range: \"x\""},
		{200, "Range: bytes=0-1\nIf-Range: W/" + tag},
		{200, "Range: bytes=0-1\nIf-Range: " + before},
		{200, "Range: bytes=99-\nIf-Range: \"x\""},
		{304, "Range: bytes=0-1\nIf-None-Match: " + tag},
		{304, "Range: bytes=99-\nIf-None-Match: " + tag},
		{412, "Range: bytes=99-\nIf-Match: \"x\""},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			status := test.status
			if method == "HEAD" && status == 206 {
				status = 200 // RFC 9110 14.2: Range is for GET
			}
			answer, body := ask(t, g, method, "/s/a.txt", strings.Split(test.fields, "\n")...)
			if answer.StatusCode != status {
				t.Errorf("%s %q: %s, want %d", method, test.fields, answer.Status, status)
			}
			if status == 304 && (body != "" || answer.Header.Get("Etag") != tag || answer.Header.Get("Cache-Control") != "no-cache" ||
				answer.Header.Get("Content-Length") != "" || answer.Header.Get("Content-Type") != "") {
				t.Errorf("%s %q: %v %q", method, test.fields, answer.Header, body)
			}
		}
	}
	g.Stop()
}

func TestStaticRanges(t *testing.T) {
	t.Parallel()
	content := string(random(300_000))
	directory := site(t, map[string]string{"a.bin": content, "empty": ""})
	g := serveFiles(t, "--static", "/s="+directory)
	for _, test := range []struct {
		ranges string
		status int
		field  string
		body   string
	}{
		{"bytes=0-0", 206, "bytes 0-0/300000", content[:1]},
		{"bytes=100000-", 206, "bytes 100000-299999/300000", content[100000:]},
		{"bytes=-5", 206, "bytes 299995-299999/300000", content[299995:]},
		{"bytes=0-", 206, "bytes 0-299999/300000", content},
		{"bytes=5-9,0-4", 206, "bytes 0-9/300000", content[:10]},
		{"bytes=300000-", 416, "bytes */300000", ""},
		{"bytes=-0", 416, "bytes */300000", ""},
		{"bytes=9-5", 200, "", content},
		{"lines=0-5", 200, "", content},
		{"bytes=0-200000,200200-", 200, "", content},
	} {
		answer, body := ask(t, g, "GET", "/s/a.bin", "Range: "+test.ranges)
		if answer.StatusCode != test.status || answer.Header.Get("Content-Range") != test.field || (test.status != 416 && body != test.body) {
			t.Errorf("%s: %s, %q, %d bytes", test.ranges, answer.Status, answer.Header.Get("Content-Range"), len(body))
		}
	}
	if answer, _ := ask(t, g, "GET", "/s/empty", "Range: bytes=0-"); answer.StatusCode != 200 || answer.ContentLength != 0 {
		t.Errorf("empty: %s", answer.Status)
	}
	for _, ranges := range [][][2]int{
		{{0, 9}, {1000, 1009}},
		{{299_990, 299_999}, {0, 0}},
		{{0, 65_535}, {70_000, 150_000}, {200_000, 250_000}},
		{{0, 1}, {1000, 1001}, {2000, 2001}, {3000, 3001}, {4000, 4001}, {5000, 5001}, {6000, 6001}, {7000, 7001}, {8000, 8001}, {9000, 99000}},
	} {
		var specs []string
		for _, r := range ranges {
			specs = append(specs, fmt.Sprintf("%d-%d", r[0], r[1]))
		}
		answer, body := ask(t, g, "GET", "/s/a.bin", "Range: bytes="+strings.Join(specs, ", "))
		kind, parameters, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
		if err != nil || answer.StatusCode != 206 || kind != "multipart/byteranges" || answer.Header.Get("Content-Range") != "" || answer.ContentLength != int64(len(body)) {
			t.Errorf("%v: %s %v %v", specs, answer.Status, answer.Header, err)
			continue
		}
		parts := multipart.NewReader(strings.NewReader(body), parameters["boundary"])
		for _, r := range ranges {
			part, err := parts.NextPart()
			if err != nil {
				t.Fatalf("%v: %v", specs, err)
			}
			got, err := io.ReadAll(part)
			if want := fmt.Sprintf("bytes %d-%d/300000", r[0], r[1]); err != nil || part.Header.Get("Content-Range") != want ||
				part.Header.Get("Content-Type") != "application/octet-stream" || string(got) != content[r[0]:r[1]+1] {
				t.Errorf("%v: part %v, %d bytes, %v, want %s", specs, part.Header, len(got), err, want)
			}
		}
		if _, err := parts.NextPart(); err != io.EOF {
			t.Errorf("%v: after the last part: %v", specs, err)
		}
	}
	g.Stop()
}
