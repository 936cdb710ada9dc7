package bridge

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestFingerprint: copies of a build are the same, whatever differs tells two apart, and files that no Go linker wrote are read whole.
func TestFingerprint(t *testing.T) {
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	of := func(content []byte) []byte {
		t.Helper()
		path := filepath.Join(t.TempDir(), "app")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var to bytes.Buffer
		fingerprint(&to, f)
		return to.Bytes()
	}
	id := buildID(bytes.NewReader(own))
	if len(id) < 40 {
		t.Fatalf("build ID %q of the test's own executable, expected a long one", id)
	}
	first := of(own)
	if !bytes.Equal(of(own), first) {
		t.Error("two copies of an executable differ")
	}
	if len(first) > 1<<10 {
		t.Errorf("%d bytes, expected the build ID instead of the whole", len(first))
	}
	if bytes.Equal(of(append(own[:len(own):len(own)], 0)), first) {
		t.Error("what was added is not noticed")
	}
	if at := bytes.Index(own, id); at < 0 {
		t.Error("the build ID is not in the executable")
	} else {
		other := bytes.Clone(own)
		other[at+len(id)-8]++
		if bytes.Equal(of(other), first) {
			t.Error("another build ID is not noticed")
		}
	}
	for _, script := range []string{"#!/bin/sh\nexit 1\n", "\x7fELF broken", ""} {
		if got := of([]byte(script)); string(got) != script {
			t.Errorf("got %q, expected the whole file %q", got, script)
		}
	}
}
