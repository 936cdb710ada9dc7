package supervisor

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeProcess ends after its life, or when it is signalled.
type fakeProcess struct {
	pid   int
	life  time.Duration
	ended chan struct{}
	once  sync.Once
}

func (p *fakeProcess) Pid() int { return p.pid }

func (p *fakeProcess) Wait() string {
	select {
	case <-time.After(p.life):
		return "exit status 1"
	case <-p.ended:
		return "signal"
	}
}

func (p *fakeProcess) Signal(os.Signal) error {
	p.once.Do(func() { close(p.ended) })
	return nil
}

// script starts processes with the given lives, one after the other, and records when. The clock is synctest's.
type script struct {
	lives []time.Duration
	fail  map[int]error
	at    []time.Duration
	zero  time.Time
}

func (s *script) start(int, int) (Process, error) {
	number := len(s.at)
	s.at = append(s.at, time.Since(s.zero))
	if err := s.fail[number]; err != nil {
		return nil, err
	}
	life := time.Duration(1<<62 - 1)
	if number < len(s.lives) {
		life = s.lives[number]
	}
	return &fakeProcess{pid: 1000 + number, life: life, ended: make(chan struct{})}, nil
}

func quiet(count int) Config {
	return Config{
		Argv: []string{"fake"}, Count: count, Log: slog.New(slog.DiscardHandler),
		Backoff: Backoff{
			Min: 100 * time.Millisecond, Max: time.Second, Healthy: 5 * time.Second,
			Random: func() float64 { return 0.5 },
		},
	}
}

func TestRestartsWaitLongerAndLongerUntilAHealthyLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{lives: []time.Duration{0, 0, 0, 6 * time.Second, 0}, zero: time.Now()}
		supervisor, err := start(quiet(1), s.start)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		status := supervisor.Status()[0]
		supervisor.Hold()
		supervisor.SignalAll(syscall.SIGKILL)
		<-supervisor.Done()
		want := []time.Duration{0, 100, 300, 700, 6700, 6800}
		if len(s.at) != len(want) {
			t.Fatalf("starts at %v, want %v (ms)", s.at, want)
		}
		for i := range want {
			if s.at[i] != want[i]*time.Millisecond {
				t.Fatalf("starts at %v, want %v (ms)", s.at, want)
			}
		}
		if status.Restarts != 5 || status.LastExit != "exit status 1" || status.Pid != 1005 {
			t.Errorf("status %+v", status)
		}
	})
}

func TestARestartThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{lives: []time.Duration{0}, fail: map[int]error{1: errors.New("text file busy")}, zero: time.Now()}
		supervisor, err := start(quiet(1), s.start)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond)
		synctest.Wait()
		if status := supervisor.Status()[0]; status.Pid != 0 || status.LastExit != "text file busy" {
			t.Errorf("status %+v after the failed restart", status)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if status := supervisor.Status()[0]; status.Pid != 1002 || status.Restarts != 2 {
			t.Errorf("status %+v, want it to run again", status)
		}
		supervisor.Hold()
		supervisor.SignalAll(syscall.SIGTERM)
		<-supervisor.Done()
	})
}

func TestAFirstStartThatFailsEndsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("exec format error")
		s := &script{fail: map[int]error{2: reason}, zero: time.Now()}
		if _, err := start(quiet(3), s.start); !errors.Is(err, reason) {
			t.Fatalf("error %v, want %v", err, reason)
		}
		// synctest fails the test if a goroutine is left.
	})
}

func TestHoldEndsRestarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{lives: []time.Duration{time.Second, time.Second}, zero: time.Now()}
		supervisor, err := start(quiet(2), s.start)
		if err != nil {
			t.Fatal(err)
		}
		supervisor.Hold()
		<-supervisor.Done()
		if len(s.at) != 2 {
			t.Errorf("%d starts, want 2", len(s.at))
		}
		if supervisor.Signal(1000, syscall.SIGTERM) {
			t.Error("a process that has ended was signalled")
		}
	})
}
