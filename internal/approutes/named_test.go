package approutes

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ringway/envmap/envtest"
)

// filesBelow is a directory with a file, a FIFO, and links that lead out of it.
func filesBelow(t *testing.T) Options {
	t.Helper()
	outside, directory := t.TempDir(), t.TempDir()
	for path, content := range map[string]string{
		filepath.Join(outside, "secret"): "secret", filepath.Join(directory, "f"): "content", filepath.Join(directory, "a b"): "spaced",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(directory, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"out": outside, "secret": filepath.Join(outside, "secret"), "inside": "f"} {
		if err := os.Symlink(target, filepath.Join(directory, name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return Options{Files: root}
}

// TestNamedFiles: only regular files below the directory are there, under one name each, for both kinds of handlers.
func TestNamedFiles(t *testing.T) {
	o := filesBelow(t)
	for name, want := range map[string]struct {
		status int
		body   string
	}{
		"f": {200, "content"}, "a b": {200, "spaced"}, "inside": {200, "content"},
		"none": {404, ""}, "fifo": {404, ""}, "out": {404, ""}, "out/secret": {404, ""}, "secret": {404, ""}, "f/x": {404, ""}, "f\x00": {404, ""},
		"": {400, ""}, ".": {400, ""}, "..": {400, ""}, "../x": {400, ""}, "/f": {400, ""}, "./f": {400, ""}, "f/": {400, ""}, "a//f": {400, ""}, "out/../f": {400, ""},
	} {
		target := "/file?name=" + url.QueryEscape(name)
		w := httptest.NewRecorder()
		Handler(o).ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Code != want.status || want.status == 200 && w.Body.String() != want.body {
			t.Errorf("handler, %q: %d %q, want %d", name, w.Code, w.Body, want.status)
		}
		x, err := envtest.Do(App(o), envtest.Request{Method: "GET", Target: target})
		if err != nil || x.Status != want.status || want.status == 200 && string(x.Body) != want.body {
			t.Errorf("app, %q: %d %q, %v, want %d", name, x.Status, x.Body, err, want.status)
		}
	}
	w := httptest.NewRecorder()
	Handler(Options{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/file?name=f", nil))
	if w.Code != 404 {
		t.Errorf("without a directory: %d", w.Code)
	}
}
