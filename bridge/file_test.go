package bridge

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/ring"
	"ringway/ring/ringtest"
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

// An application sends a part of a file, and one that turns out to be too short cuts the answer.
func TestEnvSendFile(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 20_000)
	for _, c := range []struct {
		offset, count int64
		want          string
		whole         bool
	}{
		{0, -1, long, true},
		{100, 20, long[100:120], true},
		{100, 300_000, long[100:300_100], true},
		{310_000, 20_000, long[310_000:], false},
	} {
		t.Run(fmt.Sprintf("%d+%d", c.offset, c.count), func(t *testing.T) {
			f := fileOf(t, long)
			x := newHarness(t, testGeometry, nil, func(env envmap.Env) error {
				if _, err := io.WriteString(env, "before "); err != nil {
					return err
				}
				return env.SendFile(context.Background(), f, c.offset, c.count)
			})
			x.Window = ring.MaxBlock + ring.BaseWindow
			a := x.do(t, ringtest.Request{})
			if a.Aborted == c.whole || c.whole && string(a.Body) != "before "+c.want {
				t.Errorf("%d bytes, aborted %v, want %d", len(a.Body), a.Aborted, len(c.want)+7)
			}
			x.settled(t)
		})
	}
}
