package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ringway/internal/engine"
)

func TestBadStaticSites(t *testing.T) {
	for _, test := range []struct {
		args string
		want []string
	}{
		{"serve --static /a", []string{`"/a"`, "PREFIX=DIR"}},
		{"serve --static a=/", []string{`"a=/"`, "PREFIX=DIR"}},
		{"serve --static /a=", []string{`"/a="`, "PREFIX=DIR"}},
		{"serve --static ==/", []string{`"==/"`, "PREFIX=DIR"}},
		{"serve --static =/", []string{`"=/"`, "PREFIX=DIR"}},
		{"serve --static //=/", []string{`"//=/"`, "PREFIX=DIR"}},
		{"serve --static /a/../b=/", []string{`"/a/../b=/"`, "PREFIX=DIR"}},
		{"serve --static /a?b=/", []string{`"/a?b=/"`, "PREFIX=DIR"}},
		{"serve --static /a=/does-not-exist", []string{"/does-not-exist", "directory"}},
		{"serve --static /a=/etc/passwd", []string{"/etc/passwd", "directory"}},
		{"serve --static /a=/ --static /a/=/etc", []string{"/a/", "once"}},
		{"serve --static /a=/ --static-index a/b", []string{"--static-index", `"a/b"`, "index.html"}},
		{"serve --static /a=/ --static-index .index", []string{"--static-index", `".index"`}},
		{"serve --static /a=/ --static-cache \x01", []string{"--static-cache", "ASCII"}},
		{"serve --static-cache max-age=1", []string{"--static-cache max-age=1", "--static PREFIX=DIR"}},
		{"serve --static-index i.html", []string{"--static-index i.html", "--static PREFIX=DIR"}},
	} {
		var stdout, stderr bytes.Buffer
		if code := Run(strings.Fields(test.args), &stdout, &stderr, noEngine(t)); code != exitBadInput {
			t.Errorf("%s: exit code %d, want %d", test.args, code, exitBadInput)
		}
		for _, want := range append(test.want, "expected") {
			if line := stderr.String(); !strings.Contains(line, want) || strings.Count(line, "\n") != 1 {
				t.Errorf("%s: %q lacks %q, or is not one line", test.args, line, want)
			}
		}
	}
}

func TestStaticSites(t *testing.T) {
	directory := t.TempDir()
	t.Chdir(directory)
	if err := os.Mkdir(filepath.Join(directory, "pub=lic"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := settleArgs(t, "--socket", "/tmp/s", "--static", "/=.", "--static", "/a/b/=pub=lic", "--static-cache", "no-cache")
	want := []engine.StaticSite{{Prefix: "", Directory: directory}, {Prefix: "/a/b", Directory: filepath.Join(directory, "pub=lic")}}
	got := s.engine.Settings
	if len(got.StaticSites) != 2 || got.StaticSites[0] != want[0] || got.StaticSites[1] != want[1] {
		t.Errorf("%q, want %q", got.StaticSites, want)
	}
	if got.StaticIndex != "index.html" || got.StaticCache != "no-cache" || got.MediaTypes["html"] != "text/html; charset=utf-8" {
		t.Errorf("%q, %q, %q", got.StaticIndex, got.StaticCache, got.MediaTypes["html"])
	}
	if none := settleArgs(t, "--socket", "/tmp/s").engine.Settings; none.StaticSites != nil || none.MediaTypes != nil {
		t.Errorf("%q, %d types", none.StaticSites, len(none.MediaTypes))
	}
}
