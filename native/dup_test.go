package native

import (
	"os"
	"syscall"
	"testing"
)

// dup returns a descriptor of its own for a file, non-blocking.
func dup(t *testing.T, file *os.File) int {
	t.Helper()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return fd
}
