package envhttp_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/envmap/envhttp"
)

func TestReply(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	page := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(page, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		end         func(envhttp.Reply) error
		contentType string
		body        string
		length      int64
	}{
		"text":         {func(r envhttp.Reply) error { return r.Text("hi") }, "text/plain; charset=utf-8", "hi", 2},
		"typed":        {func(r envhttp.Reply) error { return r.Type("a/b").Text("hi") }, "a/b", "hi", 2},
		"json":         {func(r envhttp.Reply) error { return r.JSON([]int{1}) }, "application/json", "[1]\n", 4},
		"bytes":        {func(r envhttp.Reply) error { return r.Type("a/b").Bytes([]byte(long)) }, "a/b", long, 100_000},
		"empty":        {func(r envhttp.Reply) error { return r.Type("a/b").Empty() }, "a/b", "", 0},
		"reader":       {func(r envhttp.Reply) error { return r.Type("a/b").Reader(struct{ io.Reader }{strings.NewReader(long)}) }, "a/b", long, -1},
		"sized reader": {func(r envhttp.Reply) error { return r.Type("a/b").Reader(bytes.NewReader([]byte(long))) }, "a/b", long, 100_000},
		"file":         {func(r envhttp.Reply) error { return r.File(page) }, "text/html; charset=utf-8", long, 100_000},
		"stream": {func(r envhttp.Reply) error {
			return r.Type("a/b").Stream(func(w io.Writer) error { _, err := io.WriteString(w, "piece"); return err })
		}, "a/b", "piece", -1},
	} {
		s, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if err := c.end(envhttp.Respond(w, 201).Header("A", "0").Header("A", "1").AddHeader("A", "2")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}))
		answer, body := get(t, s, "GET", "/", nil)
		equal(t, name+": status", answer.StatusCode, 201)
		equal(t, name+": type", answer.Header.Get("Content-Type"), c.contentType)
		equal(t, name+": fields", fmt.Sprint(answer.Header["A"]), "[1 2]")
		equal(t, name+": is the same", body == c.body, true)
		equal(t, name+": length", answer.ContentLength, c.length)
	}
	s, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := envhttp.Respond(w, 200).File(page + "x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
		if err := envhttp.Respond(w, 200).File(filepath.Dir(page)); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("a directory: %v", err)
		}
		if err := envhttp.Respond(w, 200).JSON(make(chan int)); err == nil {
			t.Error("a channel has become JSON")
		}
		_ = envhttp.Respond(w, 404).Text("none")
	}))
	answer, body := get(t, s, "GET", "/", nil)
	equal(t, "after errors", fmt.Sprint(answer.StatusCode, body), "404none")
}
