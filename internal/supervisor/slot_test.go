package supervisor

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// roles are the roles and states of all slots.
func roles(s *Supervisor) (all []string) {
	for _, status := range s.Status() {
		all = append(all, status.Role+":"+status.State)
	}
	return all
}

func TestBreakerOpensAndIsClosedByAHealthyTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Three ends open it; the first trial fails, the second one lives.
		s := &script{lives: []time.Duration{0, 0, 0, time.Second}, zero: time.Now()}
		var ends []End
		config := quiet(1)
		config.Breaker = Breaker{Ends: 3, Window: time.Minute, Wait: 30 * time.Second}
		config.Ended = func(e End) { ends = append(ends, e) }
		supervisor, err := start(config, s.start)
		if err != nil {
			t.Fatal(err)
		}
		at := func(since time.Duration, want string) Status {
			t.Helper()
			time.Sleep(since - time.Since(s.zero))
			synctest.Wait()
			status := supervisor.Status()[0]
			if status.State != want {
				t.Errorf("after %v the slot is %+v, want %s", since, status, want)
			}
			return status
		}
		at(50*time.Millisecond, "waiting")
		open := at(time.Second, "breaker open")
		if until := open.Until.Sub(s.zero); until != 30300*time.Millisecond || open.LastEnd == nil || open.LastEnd.Text != "exit status 1" || open.Pid != 0 {
			t.Errorf("open: %+v until %v", open, until)
		}
		at(31*time.Second, "trial")
		at(32*time.Second, "breaker open")
		at(62*time.Second, "trial")
		closed := at(67*time.Second, "running")
		if !closed.Until.IsZero() || closed.Restarts != 4 {
			t.Errorf("closed: %+v", closed)
		}
		supervisor.Hold()
		supervisor.SignalAll(syscall.SIGTERM)
		<-supervisor.Done()
		var open3 []bool
		for _, e := range ends {
			open3 = append(open3, e.Open)
		}
		if !slices.Equal(open3, []bool{false, false, true, true, false}) {
			t.Errorf("open after each end: %v", open3)
		}
	})
}

func TestEndsThatWereAskedForDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{zero: time.Now()}
		config := quiet(1)
		config.Breaker = Breaker{Ends: 1, Window: time.Minute, Wait: time.Hour}
		supervisor, err := start(config, s.start)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			supervisor.Expect(supervisor.Status()[0].Serial)
			supervisor.SignalAll(syscall.SIGTERM)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if status := supervisor.Status()[0]; status.State != "running" || !status.LastEnd.Asked {
				t.Errorf("%+v", status)
			}
		}
		supervisor.SignalAll(syscall.SIGTERM)
		synctest.Wait()
		if got := roles(supervisor); !slices.Equal(got, []string{":breaker open"}) {
			t.Errorf("after an end that nobody asked for: %v", got)
		}
		supervisor.Hold()
		<-supervisor.Done()
	})
}

func TestReplacementTakesThePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{zero: time.Now()}
		supervisor, err := start(quiet(2), s.start)
		if err != nil {
			t.Fatal(err)
		}
		serial, err := supervisor.Replace(1)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := roles(supervisor); !slices.Equal(got, []string{":running", "replacement:running", ":running"}) {
			t.Errorf("while it starts: %v", got)
		}
		if _, err := supervisor.Replace(1); err == nil {
			t.Error("a slot has two replacements")
		}
		if !supervisor.Promote(serial) || supervisor.Promote(serial) {
			t.Error("the replacement was not promoted once")
		}
		supervisor.Signal(1000, syscall.SIGTERM)
		time.Sleep(time.Hour)
		synctest.Wait()
		status := supervisor.Status()
		if got := roles(supervisor); !slices.Equal(got, []string{":running", ":running"}) || status[0].Serial != serial || status[0].Restarts != 0 ||
			status[0].LastEnd == nil || status[0].LastEnd.Serial != 1 || !status[0].LastEnd.Asked {
			t.Errorf("at the end: %v, %+v", got, status[0])
		}
		// It is started again like any other now.
		supervisor.Kill(serial)
		time.Sleep(time.Second)
		synctest.Wait()
		if status := supervisor.Status()[0]; status.State != "running" || status.Restarts != 1 || status.Serial == serial {
			t.Errorf("after its end: %+v", status)
		}
		supervisor.Hold()
		supervisor.SignalAll(syscall.SIGTERM)
		<-supervisor.Done()
	})
}

func TestReplacementThatFailsLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{lives: []time.Duration{time.Hour, time.Second}, fail: map[int]error{2: errors.New("text file busy")}, zero: time.Now()}
		var ends []End
		config := quiet(1)
		config.Ended = func(e End) { ends = append(ends, e) }
		supervisor, err := start(config, s.start)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // one that ends, one that cannot start, one that is not wanted any more
			serial, err := supervisor.Replace(1)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			supervisor.Discard(serial, time.Second)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if supervisor.Promote(serial) {
				t.Error("a replacement that has ended was promoted")
			}
			if got := roles(supervisor); !slices.Equal(got, []string{":running"}) {
				t.Fatalf("left: %v", got)
			}
		}
		var texts []string
		for _, e := range ends {
			texts = append(texts, e.Role+" "+e.Text)
		}
		if want := []string{"replacement exit status 1", "replacement text file busy", "replacement signal"}; !slices.Equal(texts, want) {
			t.Errorf("ends %q, want %q", texts, want)
		}
		supervisor.Hold()
		if _, err := supervisor.Replace(1); !errors.Is(err, errHeld) {
			t.Errorf("error %v", err)
		}
		supervisor.SignalAll(syscall.SIGTERM)
		<-supervisor.Done()
	})
}
