package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Stdout is the path that stands for standard output.
const Stdout = "-"

// target is where lines go. One goroutine uses it, but for stop.
type target struct {
	path string
	file *os.File
	torn []byte // the rest of a line that the file has the beginning of
}

func openTarget(path string) (*target, error) {
	file, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return &target{path: path, file: file}, nil
}

func openFile(path string) (*os.File, error) {
	if path == Stdout {
		// A descriptor of its own: a broken pipe on descriptor 1 would end the process.
		fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return nil, fmt.Errorf("access log on standard output: %w", err)
		}
		return os.NewFile(uintptr(fd), "standard output"), nil
	}
	// Not waiting for a reader if it is a named pipe.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o640)
	if err != nil {
		if errors.Is(err, unix.ENXIO) {
			return nil, fmt.Errorf("access log %q is a pipe that nobody reads, expected a file, or a pipe with a reader", path)
		}
		return nil, fmt.Errorf("access log %q cannot be written: %w, expected a file that this user can write", path, err)
	}
	return file, nil
}

// reopen opens the path again. If that fails, the open file stays.
func (t *target) reopen() error {
	file, err := openFile(t.path)
	if err != nil {
		return err
	}
	_ = t.file.Close()
	t.file, t.torn = file, nil
	return nil
}

// write writes whole lines and returns the bytes written, and how many lines are lost if that fails. The line in which
// writing broke off is not: its rest goes out before anything else.
func (t *target) write(lines []byte) (written, lost int, err error) {
	if len(t.torn) > 0 {
		written, err = t.file.Write(t.torn)
		if t.torn = t.torn[written:]; err != nil {
			return written, bytes.Count(lines, newline), err
		}
	}
	n, err := t.file.Write(lines)
	written += n
	if err == nil {
		return written, 0, nil
	}
	if n > 0 && lines[n-1] != '\n' {
		end := n + bytes.IndexByte(lines[n:], '\n') + 1
		t.torn = append([]byte(nil), lines[n:end]...)
		n = end
	}
	return written, bytes.Count(lines[n:], newline), err
}

var newline = []byte{'\n'}

// stop ends a write that waits for the reader of a named pipe, and makes later ones fail. It may be called meanwhile.
func stop(file *os.File) { _ = file.SetWriteDeadline(time.Now()) }
