package ring_test

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"ringway/ring/ringtest"
)

// Many more signals than a socket buffer holds, and every one that is needed arrives.
func TestSocketWakes(t *testing.T) {
	a, b, err := ringtest.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var ping, pong atomic.Int64
	go func() {
		for n := int64(1); ; n++ {
			if b.Wait(func() bool { return ping.Load() >= n }) != nil {
				return
			}
			pong.Store(n)
			b.Signal()
		}
	}()
	for n := int64(1); n <= 3000; n++ {
		ping.Store(n)
		a.Signal()
		a.Signal() // one that nobody waits for
		if err := a.Wait(func() bool { return pong.Load() >= n }); err != nil {
			t.Fatal(err)
		}
	}
	_ = b.Close()
}

// Signals that came while nobody slept fill the socket; the one that is needed afterwards must still arrive.
func TestSocketFullBeforeSleep(t *testing.T) {
	a, b, err := ringtest.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	for range 10_000 {
		b.Expect()
		a.Signal()
	}
	var ready atomic.Bool
	looked := make(chan struct{}, 1)
	done := make(chan error, 1)
	go func() {
		done <- b.Wait(func() bool {
			select {
			case looked <- struct{}{}:
			default:
			}
			return ready.Load()
		})
	}()
	<-looked
	for range 5 { // it may be between its look and its sleep: a byte that comes then must wake it too
		time.Sleep(10 * time.Millisecond)
		ready.Store(true)
		a.Signal()
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("asleep although it was signalled")
	}
}

func TestSocketEnds(t *testing.T) {
	a, b, err := ringtest.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	never := func() bool { return false }
	time.AfterFunc(10*time.Millisecond, b.Interrupt)
	if err := b.Wait(never); err != nil {
		t.Errorf("interrupted: %v", err)
	}
	for range 100_000 { // a peer that floods us does not make us block
		a.Signal()
	}
	_ = a.Close()
	end := time.AfterFunc(time.Second, b.Interrupt) // undrained: its end need not be seen at once
	defer end.Stop()
	if err := b.Wait(never); err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("peer gone: %v", err)
	}
	b.Signal() // to nobody
	time.AfterFunc(10*time.Millisecond, func() { _ = b.Close() })
	if err := b.Wait(never); !errors.Is(err, os.ErrClosed) && !errors.Is(err, io.EOF) {
		t.Errorf("closed: %v", err)
	}
}
