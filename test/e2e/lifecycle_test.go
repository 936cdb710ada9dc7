package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// TestNoWorker: requests wait for a worker; without one they get 503 with Retry-After.
func TestNoWorker(t *testing.T) {
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "300ms", "--park-limit", "4", "--native-path", "/ping=pong"}})
	client := newClient(t)
	begin := time.Now()
	answer, _ := get(t, client, g.URL("/"))
	if took := time.Since(begin); answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || took < 250*time.Millisecond {
		t.Errorf("%s, Retry-After %q, after %v", answer.Status, answer.Header.Get("Retry-After"), took)
	}
	if answer, body := get(t, client, g.URL("/ping")); answer.StatusCode != 200 || string(body) != "pong" {
		t.Errorf("natively: %s", answer.Status)
	}
	// Beyond the park limit there is no wait.
	var statuses sync.Map
	var all sync.WaitGroup
	begin = time.Now()
	for i := range 12 {
		all.Go(func() {
			answer, err := client.Get(g.URL("/"))
			if err != nil {
				t.Error(err)
				return
			}
			answer.Body.Close()
			statuses.Store(i, fmt.Sprint(answer.StatusCode, answer.Header.Get("Retry-After") != ""))
		})
	}
	all.Wait()
	statuses.Range(func(_, status any) bool {
		if status != "503 true" {
			t.Errorf("%v", status)
		}
		return true
	})
	if loop := g.Stats().Loops[0]; loop.Expired == 0 || loop.ParkRefused == 0 || loop.Parked != 0 {
		t.Errorf("expired %d, refused %d, parked %d", loop.Expired, loop.ParkRefused, loop.Parked)
	}
	g.WaitIdle()
	g.Stop()
}

// TestParkedUntilAWorkerComes: what waits is answered by the worker that attaches, bodies included.
func TestParkedUntilAWorkerComes(t *testing.T) {
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "15s"}})
	client := newClient(t)
	body := strings.Repeat("parked ", 100000)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if i%2 == 0 {
				answer, err := client.Get(g.URL("/"))
				if err != nil || answer.StatusCode != 200 {
					t.Errorf("%v, %v", answer, err)
					return
				}
				answer.Body.Close()
				return
			}
			answer, err := client.Post(g.URL("/upload"), "text/plain", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			var got struct{ Bytes int }
			_ = json.NewDecoder(answer.Body).Decode(&got)
			answer.Body.Close()
			if got.Bytes != len(body) {
				t.Errorf("%s: %d bytes arrived of %d", answer.Status, got.Bytes, len(body))
			}
		})
	}
	system.Eventually(t, "8 parked", func() bool { return g.Stats().Loops[0].Parked == 8 })
	// One of them gives up.
	r := dial(t, g)
	r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	system.Eventually(t, "9 parked", func() bool { return g.Stats().Loops[0].Parked == 9 })
	reset(r.conn)
	system.Eventually(t, "8 parked again", func() bool { return g.Stats().Loops[0].Parked == 8 })
	g.StartWorker()
	all.Wait()
	g.WaitIdle()
	g.Stop()
}

// TestSeveralWorkers: workers of one release share the load, on two loops; one that leaves takes nothing with it.
func TestSeveralWorkers(t *testing.T) {
	g := system.StartGateway(t, system.Options{
		Supervised: true, Worker: []string{"--release", "one"}, Flags: []string{"--workers", "3", "--loops", "2"},
	})
	g.WaitReady(3)
	client := newClient(t)
	pids := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 60 {
				answer, err := client.Get(g.URL("/pid"))
				if err != nil {
					t.Error(err)
					return
				}
				var got struct {
					Pid int
				}
				err = json.NewDecoder(answer.Body).Decode(&got)
				answer.Body.Close()
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				pids[fmt.Sprint(got.Pid)]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(pids) != 3 {
		t.Errorf("requests went to %v", pids)
	}
	s := g.Stats()
	if len(s.Loops) != 2 || len(s.Lanes) != 6 || s.Loops[0].Requests == 0 || s.Loops[1].Requests == 0 {
		t.Errorf("%d loops, %d lanes; requests %d and %d", len(s.Loops), len(s.Lanes), s.Loops[0].Requests, s.Loops[1].Requests)
	}
	// One is told to end: its work goes on elsewhere, nothing fails.
	stop := make(chan struct{})
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				answer, err := client.Get(g.URL("/sleep?ms=2"))
				if err != nil {
					t.Error(err)
					return
				}
				answer.Body.Close()
				if answer.StatusCode != 200 {
					t.Errorf("%s", answer.Status)
				}
			}
		})
	}
	if err := syscall.Kill(s.Workers[0].Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	system.Eventually(t, "the supervisor's next worker", func() bool { return g.Stats().Supervisor.Restarts == 1 && g.Ready() == 3 })
	close(stop)
	all.Wait()
	g.WaitIdle()
	g.Stop()
}

// TestStop: TERM lets what is in flight finish, takes no new connections, and ends with 0.
func TestStop(t *testing.T) {
	everyWorker(t, func(t *testing.T, g *system.Gateway) {
		pid := g.Stats().Workers[0].Pid
		running := dial(t, g)
		running.send("GET /stream?n=6&ms=50 HTTP/1.1\r\nHost: x\r\n\r\n")
		head := running.head("GET")
		idle := dial(t, g)
		idle.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
		idle.answer("GET")

		g.Signal(syscall.SIGTERM)
		system.Eventually(t, "no new connections", func() bool {
			answer, err := http.Get(g.URL("/ping"))
			if err == nil {
				answer.Body.Close()
			}
			return err != nil
		})
		idle.closed()
		body := make([]byte, 100)
		n, err := readFull(head, body)
		if n != 6*len("chunk 0\n") {
			t.Errorf("what was in flight is cut after %d bytes: %v", n, err)
		}
		if status := g.Exit(system.Patience); status != 0 {
			t.Errorf("exit status %d", status)
		}
		system.Eventually(t, "the worker's end", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
		if _, err := filepath.Glob(g.Socket); err != nil {
			t.Error(err)
		}
	})
}

func readFull(answer *http.Response, into []byte) (int, error) {
	n := 0
	for n < len(into) {
		k, err := answer.Body.Read(into[n:])
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// TestDrainLimit: what does not finish in time is cut, and the end is still orderly.
func TestDrainLimit(t *testing.T) {
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--drain-limit", "300ms"}})
	r := dial(t, g)
	r.send("GET /sleep?ms=600000 HTTP/1.1\r\nHost: x\r\n\r\n")
	system.Eventually(t, "in flight", func() bool { return g.Stats().Workers[0].InFlight == 1 })
	begin := time.Now()
	g.Stop()
	if took := time.Since(begin); took > 6*time.Second {
		t.Errorf("the end took %v", took)
	}
}

// TestStats: every part of the statistics is there.
func TestStats(t *testing.T) {
	g := system.StartGateway(t, system.Options{Supervised: true})
	get(t, newClient(t), g.URL("/bytes?n=10000"))
	var tree map[string]any
	if err := json.Unmarshal(g.StatsText(), &tree); err != nil {
		t.Fatal(err)
	}
	for part, keys := range map[string]string{
		"listeners": "url", "workers": "pid release state in_flight",
		"loops": "requests connections_open parked violations",
		"lanes": "slots depth high_water published acknowledged completed cancelled wakeups_sent wakeups_avoided full_stalls arena_bytes_in_use arena_high_water",
	} {
		list, _ := tree[part].([]any)
		if len(list) == 0 {
			t.Errorf("no %s", part)
			continue
		}
		for key := range strings.FieldsSeq(keys) {
			if _, found := list[0].(map[string]any)[key]; !found {
				t.Errorf("%s lack %q", part, key)
			}
		}
	}
	s := g.Stats()
	if s.Listeners[0].URL != "http://"+g.Addr || s.Lanes[0].Completed != 1 || s.Lanes[0].Published < 1 || s.Lanes[0].ArenaHighWater == 0 ||
		s.Lanes[0].Published != s.Lanes[0].Acknowledged || s.Lanes[0].WakeupsSent+s.Lanes[0].WakeupsAvoided == 0 {
		t.Errorf("%+v", s)
	}
	g.WaitIdle()
	g.Stop()
}
