package gateway

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// logText is a log that can be read while it is written.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestWorkerOutputNamesItsRelease, by the program's name until a worker has told another.
func TestWorkerOutputNamesItsRelease(t *testing.T) {
	fake, log := newFakeEngine(), &logText{}
	config := testConfig(t)
	config.Program = &Program{Argv: []string{"/bin/sh", "-c", "while :; do echo tick; sleep 0.01; done"}, Count: 1}
	g, err := Start(config, fake, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Cut()
		waitDone(t, g)
	})
	eventually(t, "the first line", func() bool {
		return strings.Contains(log.String(), "stream=stdout release=sh line=tick")
	})
	attachTicket(t, g, "r7", ticket(1, 1))
	eventually(t, "a line of the release", func() bool {
		return strings.Contains(log.String(), "stream=stdout release=r7 line=tick")
	})
}
