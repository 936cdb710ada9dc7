package envmap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
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

func TestSendFile(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	ctx := context.Background()
	for _, c := range []struct {
		name          string
		request       envtest.Request
		before        string
		offset, count int64
		length        string
		want          string
		files         int
	}{
		{"all", envtest.Request{}, "", 0, -1, "", long, 1},
		{"behind a write", envtest.Request{}, "head ", 0, -1, "10005", "head " + long, 1},
		{"range", envtest.Request{}, "", 10, 7, "7", long[10:17], 1},
		{"rest", envtest.Request{}, "", 9990, -1, "", long[9990:], 1},
		{"nothing", envtest.Request{}, "x", 5, 0, "", "x", 0},
		{"from behind the end", envtest.Request{}, "x", 20_000, -1, "", "x", 0},
		{"HEAD", envtest.Request{Method: "HEAD"}, "", 0, -1, "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fileOf(t, long)
			x := inside(t, c.request, func(env envmap.Env) {
				if c.length != "" {
					_ = env.SetHeader("Content-Length", c.length)
				}
				_, _ = env.WriteString(c.before)
				if err := env.SendFile(ctx, f, c.offset, c.count); err != nil {
					t.Error(err)
				}
			})
			equal(t, "body", string(x.Body), c.want)
			equal(t, "files", x.Files, c.files)
			if at, _ := f.Seek(0, io.SeekCurrent); at != 0 {
				t.Errorf("the file's position moved to %d", at)
			}
		})
	}
}

// A response that a file did not fit into, or whose file was too short, is never completed.
func TestSendFileFails(t *testing.T) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name          string
		ctx           context.Context
		offset, count int64
		length        string
		want          error
	}{
		{"negative offset", context.Background(), -1, 5, "", nil},
		{"overflow", context.Background(), math.MaxInt64, 1, "", nil},
		{"too short", context.Background(), 5, 6, "", io.ErrUnexpectedEOF},
		{"more than declared", context.Background(), 0, 10, "9", envmap.ErrContentLength},
		{"context is done", done, 0, 10, "", context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fileOf(t, "0123456789")
			var got error
			x, err := envtest.Do(func(env envmap.Env) error {
				if c.length != "" {
					_ = env.SetHeader("Content-Length", c.length)
				}
				got = env.SendFile(c.ctx, f, c.offset, c.count)
				return got
			}, envtest.Request{})
			if got == nil || err == nil || c.want != nil && !errors.Is(got, c.want) {
				t.Errorf("SendFile: %v, want %v; Run: %v", got, c.want, err)
			}
			if x.Aborted == nil && x.Status != 500 {
				t.Errorf("completed with status %d", x.Status)
			}
		})
	}
}

// Bytes of a file go through the writer that the application put in front of the body.
func TestSendFileThroughWriter(t *testing.T) {
	var through bytes.Buffer
	f := fileOf(t, "0123456789")
	inside(t, envtest.Request{}, func(env envmap.Env) {
		if err := env.Set(envmap.KeyResponseBody, io.Writer(&through)); err != nil {
			t.Fatal(err)
		}
		if err := env.SendFile(context.Background(), f, 2, 3); err != nil {
			t.Error(err)
		}
		if err := env.SendFile(context.Background(), f, 8, 3); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a file that is too short: %v", err)
		}
	})
	equal(t, "written", through.String(), "23489")
}
