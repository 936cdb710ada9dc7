package accesslog

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/engine"
)

const patience = 20 * time.Second

// feed is a source that holds a number of records.
type feed struct {
	mu      sync.Mutex
	waiting []int // the statuses of records
	room    int   // 0: without end
	lost    uint64
	wake    chan struct{}
}

func newFeed() *feed { return &feed{wake: make(chan struct{}, 1)} }

func (f *feed) put(status int) {
	f.mu.Lock()
	if f.room != 0 && len(f.waiting) >= f.room {
		f.lost++
	} else {
		f.waiting = append(f.waiting, status)
	}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *feed) Take(add func(*engine.AccessRecord)) {
	f.mu.Lock()
	waiting := f.waiting
	f.waiting = nil
	f.mu.Unlock()
	for _, status := range waiting {
		add(&engine.AccessRecord{Status: status, Target: []byte(strings.Repeat("x", 200))})
	}
}

func (f *feed) Wake() <-chan struct{} { return f.wake }

func (f *feed) Dropped() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// told is what was logged.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *told) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *told) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func start(t *testing.T, path string, source *feed) (*Log, *told) {
	t.Helper()
	messages := &told{}
	l, err := Open(Config{Path: path, Format: JSON, Log: slog.New(slog.NewTextHandler(messages, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l.Start(source)
	return l, messages
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// statuses are those of the lines of a file, which must be whole.
func statuses(t *testing.T, text string) (found []int) {
	t.Helper()
	for line := range strings.Lines(text) {
		_, rest, _ := strings.Cut(line, `"status":`)
		var status int
		if _, err := fmt.Sscanf(rest, "%d,", &status); err != nil || !strings.HasPrefix(line, `{"time":`) || !strings.HasSuffix(line, "}\n") {
			t.Fatalf("line %q", line)
		}
		found = append(found, status)
	}
	return found
}

func checkOrder(t *testing.T, found []int, want int) {
	t.Helper()
	if len(found) != want {
		t.Fatalf("%d lines, want %d", len(found), want)
	}
	for i := range found {
		if found[i] != i {
			t.Fatalf("line %d is %d", i, found[i])
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCloseWritesWhatIsLeft(t *testing.T) {
	path, source := filepath.Join(t.TempDir(), "log"), newFeed()
	l, messages := start(t, path, source)
	const lines = 5000
	for i := range lines {
		source.put(i)
	}
	l.Close(patience)
	l.Close(patience)
	checkOrder(t, statuses(t, read(t, path)), lines)
	if s := l.Stats(); s.Lines != lines || s.Bytes != uint64(len(read(t, path))) || s.DroppedSlow+s.DroppedFailed != 0 {
		t.Errorf("%+v", s)
	}
	if messages.String() != "" {
		t.Errorf("it logged %s", messages)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("mode %v, %v: others may read it", info.Mode(), err)
	}
}

func TestLinesAreAppended(t *testing.T) {
	path, source := filepath.Join(t.TempDir(), "log"), newFeed()
	for i := range 2 {
		l, _ := start(t, path, source)
		source.put(i)
		l.Close(patience)
	}
	checkOrder(t, statuses(t, read(t, path)), 2)
}

// TestReopen: between mv and reopening lines go to the old file, then to a new one; none is lost.
func TestReopen(t *testing.T) {
	path, source := filepath.Join(t.TempDir(), "log"), newFeed()
	l, _ := start(t, path, source)
	next := 0
	for round := range 5 {
		for range 100 {
			source.put(next)
			next++
		}
		if err := os.Rename(path, fmt.Sprintf("%s.%d", path, round)); err != nil {
			t.Fatal(err)
		}
		l.Reopen()
		eventually(t, "reopened", func() bool { return l.Stats().Reopened == uint64(round)+1 })
	}
	l.Close(patience)
	var all string
	for round := range 5 {
		all += read(t, fmt.Sprintf("%s.%d", path, round))
	}
	checkOrder(t, statuses(t, all+read(t, path)), next)
}

func TestReopenThatFailsKeepsTheFile(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	path, source := filepath.Join(directory, "log"), newFeed()
	l, messages := start(t, path, source)
	source.put(0)
	if err := os.Rename(directory, directory+"2"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	eventually(t, "a message", func() bool { return strings.Contains(messages.String(), "not reopened") })
	if !strings.Contains(messages.String(), path) || strings.Count(messages.String(), "\n") != 1 {
		t.Errorf("messages %s", messages)
	}
	source.put(1)
	l.Close(patience)
	checkOrder(t, statuses(t, read(t, filepath.Join(directory+"2", "log"))), 2)
	if n := l.Stats().Reopened; n != 0 {
		t.Errorf("reopened %d times", n)
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	directory := t.TempDir()
	pipe := filepath.Join(directory, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		directory: "expected a file", filepath.Join(directory, "no", "log"): "expected a file", pipe: "expected a file, or a pipe with a reader",
	} {
		l, err := Open(Config{Path: path, Format: JSON})
		if err == nil {
			_ = l.target.file.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestFullDisk: lines are dropped and counted, and the gateway goes on.
func TestFullDisk(t *testing.T) {
	source := newFeed()
	l, messages := start(t, "/dev/full", source)
	for i := range 10 {
		source.put(i)
	}
	eventually(t, "drops", func() bool { return l.Stats().DroppedFailed == 10 })
	eventually(t, "a message", func() bool { return strings.Contains(messages.String(), "are being dropped") })
	eventually(t, "the end", func() bool { return strings.Contains(messages.String(), "no longer dropped") })
	source.put(10)
	eventually(t, "another drop", func() bool { return l.Stats().DroppedFailed == 11 })
	l.Close(patience)
	text := messages.String()
	if !strings.Contains(text, "no space left on device") || !strings.Contains(text, "dropped=10") || !strings.Contains(text, "dropped=1\n") {
		t.Errorf("messages %s", text)
	}
	if s := l.Stats(); s.Lines != 0 || s.Bytes != 0 {
		t.Errorf("%+v", s)
	}
}

func openPipe(t *testing.T) (path string, reader *os.File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	return path, reader
}

// TestBrokenPipe: without a reader lines are dropped, with the next one they come again.
func TestBrokenPipe(t *testing.T) {
	path, reader := openPipe(t)
	source := newFeed()
	l, messages := start(t, path, source)
	_ = reader.Close()
	source.put(0)
	eventually(t, "a drop", func() bool { return l.Stats().DroppedFailed == 1 })
	eventually(t, "a message", func() bool { return strings.Contains(messages.String(), "broken pipe") })
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	source.put(1)
	eventually(t, "a line", func() bool { return l.Stats().Lines == 1 })
	l.Close(patience)
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if found := statuses(t, string(text)); len(found) != 1 || found[0] != 1 {
		t.Errorf("%v", found)
	}
}

// TestSlowPipe: a reader that does not read stops only the writing; the source drops, which is told while it goes on.
// What was fetched comes later, whole.
func TestSlowPipe(t *testing.T) {
	path, reader := openPipe(t)
	source := newFeed()
	source.room = 100
	l, messages := start(t, path, source)
	number := 0
	eventually(t, "drops", func() bool {
		for range 200 {
			source.put(number)
			number++
		}
		return source.Dropped() > 0
	})
	eventually(t, "a message", func() bool { return strings.Contains(messages.String(), "are being dropped") })
	if s := l.Stats(); s.DroppedSlow != source.Dropped() || s.DroppedFailed != 0 {
		t.Errorf("%+v, dropped %d", s, source.Dropped())
	}
	closed := make(chan struct{})
	go func() {
		l.Close(patience)
		close(closed)
	}()
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	<-closed
	if got, want := len(statuses(t, string(text))), number-int(source.Dropped()); got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	if !strings.Contains(messages.String(), "no longer dropped") {
		t.Errorf("messages %s", messages)
	}
}

// inPipe is how many bytes wait in a pipe. It holds 65536 of one write; of several, which begin pages of their own, less.
func inPipe(reader *os.File) int {
	waiting, err := unix.IoctlGetInt(int(reader.Fd()), unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return waiting
}

// TestCloseDoesNotWaitForEver for a reader that never reads.
func TestCloseDoesNotWaitForEver(t *testing.T) {
	path, reader := openPipe(t)
	source := newFeed()
	l, messages := start(t, path, source)
	for i := range 2000 { // more than a pipe holds
		source.put(i)
	}
	eventually(t, "the pipe to be full", func() bool { return inPipe(reader) > 32768 })
	l.Close(50 * time.Millisecond)
	if !strings.Contains(messages.String(), "the last lines of the access log are lost") {
		t.Errorf("messages %s", messages)
	}
	<-l.ended // the write that waited has ended too
	if s := l.Stats(); s.Lines+s.DroppedFailed != 2000 || s.DroppedFailed == 0 {
		t.Errorf("%+v", s)
	}
}

// TestTornLine: where a write breaks off in a line, its rest comes first when writing works again.
func TestTornLine(t *testing.T) {
	path, reader := openPipe(t)
	target, err := openTarget(path)
	if err != nil {
		t.Fatal(err)
	}
	defer target.file.Close()
	line := []byte(strings.Repeat("x", 9999) + "\n")
	type result struct {
		written, lost int
		err           error
	}
	broken := make(chan result)
	go func() {
		written, lost, err := target.write(bytes.Repeat(line, 100))
		broken <- result{written, lost, err}
	}()
	eventually(t, "the pipe to be full", func() bool { return inPipe(reader) == 65536 })
	stop(target.file)
	r := <-broken
	if want := (result{65536, 93, r.err}); r != want || r.err == nil || len(target.torn) != 4464 {
		t.Fatalf("%+v, %d bytes of a torn line", r, len(target.torn))
	}
	if written, lost, err := target.write(line); err == nil || written != 0 || lost != 1 {
		t.Fatalf("%d written, %d lost, %v", written, lost, err)
	}
	got := make(chan []byte)
	go func() {
		text, _ := io.ReadAll(reader)
		got <- text
	}()
	_ = target.file.SetWriteDeadline(time.Time{})
	if written, lost, err := target.write(line); err != nil || lost != 0 || written != 4464+len(line) {
		t.Fatalf("%d written, %d lost, %v", written, lost, err)
	}
	_ = target.file.Close()
	if want := bytes.Repeat(line, 100-r.lost+1); !bytes.Equal(<-got, want) {
		t.Error("lines are not whole")
	}
}
