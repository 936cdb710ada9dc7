package envmap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

func temporary(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplyBodies(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	page, plain := temporary(t, "page.html", long), temporary(t, "plain", "")
	for name, c := range map[string]struct {
		end         func(envmap.Reply) error
		contentType string
		body        string
		length      int64
	}{
		"reader":         {func(r envmap.Reply) error { return r.Reader(struct{ io.Reader }{strings.NewReader(long)}) }, "", long, -1},
		"sized reader":   {func(r envmap.Reply) error { return r.Reader(bytes.NewReader([]byte(long))) }, "", long, 10_000},
		"empty reader":   {func(r envmap.Reply) error { return r.Reader(strings.NewReader("")) }, "", "", 0},
		"typed reader":   {func(r envmap.Reply) error { return r.Type("a/b").Reader(strings.NewReader("x")) }, "a/b", "x", 1},
		"file":           {func(r envmap.Reply) error { return r.File(page) }, "text/html; charset=utf-8", long, 10_000},
		"empty file":     {func(r envmap.Reply) error { return r.File(plain) }, "application/octet-stream", "", 0},
		"typed file":     {func(r envmap.Reply) error { return r.Type("a/b").File(page) }, "a/b", long, 10_000},
		"declared bytes": {func(r envmap.Reply) error { return r.Header("Content-Length", "10000").Bytes([]byte(long)) }, "", long, 10_000},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			x, err := envtest.Do(func(env envmap.Env) error { return c.end(env.Reply(201).Reason("Own")) }, envtest.Request{Method: method})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			equal(t, name+": status", x.Status, 201)
			equal(t, name+": reason", x.Reason, "Own")
			equal(t, name+": type", x.Header("Content-Type"), c.contentType)
			if method == "GET" {
				equal(t, name+": is the same", string(x.Body) == c.body, true)
				equal(t, name+": length", x.Length, c.length)
			} else {
				equal(t, name+": body of HEAD", len(x.Body), 0)
			}
		}
	}
}

// TestReplyStream: what is written is there before the rest is made.
func TestReplyStream(t *testing.T) {
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		err := env.Reply(200).AddHeader("A", "1").AddHeader("A", "2").Stream(func(w io.Writer) error {
			for _, piece := range []string{"ab", "cde"} {
				if _, err := io.WriteString(w, piece); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	equal(t, "body", string(x.Body), "abcde")
	equal(t, "flushes", len(x.Flushed), 3) // the head, and each write
	equal(t, "fields", len(x.Fields), 2)
}

func TestReplyFileThatIsNone(t *testing.T) {
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		if err := env.Reply(200).File(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
		if err := env.Reply(200).File(t.TempDir()); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("a directory: %v", err)
		}
		if err := env.Reply(404).Text("none"); err != nil {
			t.Error(err)
		}
	})
	equal(t, "status", x.Status, 404)
	equal(t, "fields", len(x.Fields), 1)
}

// TestSendFileKey: "sendfile.SendAsync" sends the head if it is unsent, and the file is closed when it returns.
func TestSendFileKey(t *testing.T) {
	path := temporary(t, "f", "0123456789")
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		v, _ := env.Get(envmap.KeySendFileAsync)
		send := v.(envmap.SendFile)
		_ = env.SetStatus(202)
		for _, c := range []struct{ offset, count int64 }{{2, 3}, {8, -1}, {10, -1}, {0, 0}} {
			if err := send(env.Context(), path, c.offset, c.count); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
			equal(t, "the head is sent", env.SetStatus(200), envmap.ErrSealed)
		}
		if err := send(context.Background(), path+"x", 0, -1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
		if err := send(context.Background(), path, -1, 1); err == nil {
			t.Error("a negative offset is accepted")
		}
		_, _ = env.WriteString("+")
	})
	equal(t, "status", x.Status, 202)
	equal(t, "body", string(x.Body), "23489+")
	equal(t, "flushes", len(x.Flushed), 4)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		if name, _ := os.Readlink("/proc/self/fd/" + fd.Name()); name == path {
			t.Errorf("%s is still open", path)
		}
	}
}
