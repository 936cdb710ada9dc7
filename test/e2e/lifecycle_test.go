package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// TestNoWorker: requests wait for a worker; without one they get 503 with Retry-After.
func TestNoWorker(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "300ms", "--native-path", "/ping=pong"}})
	client := newClient(t)
	begin := time.Now()
	answer, _ := get(t, client, g.URL("/"))
	if took := time.Since(begin); answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || took < 250*time.Millisecond {
		t.Errorf("%s, Retry-After %q, after %v", answer.Status, answer.Header.Get("Retry-After"), took)
	}
	if answer, body := get(t, client, g.URL("/ping")); answer.StatusCode != 200 || string(body) != "pong" {
		t.Errorf("natively: %s", answer.Status)
	}
	if loop := g.Stats().Loops[0]; loop.Expired != 1 || loop.ParkRefused != 0 || loop.ParkedHighWater != 1 {
		t.Errorf("expired %d, refused %d, at most %d parked", loop.Expired, loop.ParkRefused, loop.ParkedHighWater)
	}
	g.WaitIdle()
	g.Stop()
}

// TestParkLimit: beyond it there is no wait for 503; those within it lose nothing.
func TestParkLimit(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "10m", "--park-limit", "4"}})
	var parked []*raw
	for range 4 {
		r := dial(t, g)
		r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		parked = append(parked, r)
	}
	system.Eventually(t, "4 parked", func() bool { return g.Stats().Loops[0].Parked == 4 })
	client := newClient(t)
	for range 3 {
		if answer, _ := get(t, client, g.URL("/")); answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
		}
	}
	if loop := g.Stats().Loops[0]; loop.Expired != 0 || loop.ParkRefused != 3 || loop.Parked != 4 {
		t.Errorf("expired %d, refused %d, parked %d", loop.Expired, loop.ParkRefused, loop.Parked)
	}
	g.StartWorker()
	for _, r := range parked {
		if answer, body := r.answer("GET"); answer.StatusCode != 200 || body != "Hello, World!" {
			t.Errorf("%s %q", answer.Status, body)
		}
	}
	g.WaitIdle()
	g.Stop()
}

// TestParkedUntilAWorkerComes: what waits is answered by the worker that attaches, bodies included.
func TestParkedUntilAWorkerComes(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "10m"}})
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
	t.Parallel()
	g := system.StartGateway(t, system.Options{
		Supervised: true, Worker: []string{"--release", "one"}, Flags: []string{"--workers", "3", "--loops", "2"},
	})
	g.WaitReady(3)
	// Each loop gives a request to the worker with the fewest of its requests: three are spread over all.
	var held []*raw
	system.Eventually(t, "every loop and every worker has a request", func() bool {
		r := dial(t, g)
		r.send("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
		held = append(held, r)
		s := g.Stats()
		for _, lane := range s.Lanes {
			if lane.InFlight == 0 {
				return false
			}
		}
		return len(s.Lanes) == 6
	})
	if s := g.Stats(); len(s.Loops) != 2 || s.Loops[0].Requests+s.Loops[1].Requests < 6 {
		t.Errorf("%d loops, %d requests", len(s.Loops), s.Loops[0].Requests+s.Loops[1].Requests)
	}
	for _, r := range held {
		r.send("b")
		if answer, body := r.answer("POST"); answer.StatusCode != 200 || !strings.Contains(body, `"bytes":2`) {
			t.Errorf("%s %q", answer.Status, body)
		}
	}
	client := newClient(t)
	var all sync.WaitGroup
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
	if err := syscall.Kill(g.Stats().Workers[0].Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	system.Eventually(t, "the supervisor's next worker", func() bool { return g.Stats().Supervisor.Restarts == 1 && g.Ready() == 3 })
	close(stop)
	all.Wait()
	g.WaitIdle()
	g.Stop()
}

// TestStop: TERM and INT let what is in flight finish, take no new connections, and end with 0.
func TestStop(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"term": syscall.SIGTERM, "int": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			withEveryWorker(t, func(t *testing.T, g *system.Gateway) { stopInFlight(t, g, signal) })
		})
	}
}

func stopInFlight(t *testing.T, g *system.Gateway, signal syscall.Signal) {
	pid := g.Stats().Workers[0].Pid
	running := dial(t, g)
	running.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbefore\r\n")
	answer := running.head("POST")
	idle := dial(t, g)
	idle.send("GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
	idle.answer("GET")

	g.Signal(signal)
	system.Eventually(t, "no new connections", func() bool {
		conn, err := net.Dial("tcp", g.Addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	idle.closed()
	running.send("6\r\n after\r\n0\r\n\r\n")
	if body, err := io.ReadAll(answer.Body); string(body) != "before after" || err != nil {
		t.Errorf("what was in flight ended with %q, %v", body, err)
	}
	running.closed()
	if status := g.Exit(system.Patience); status != 0 {
		t.Errorf("exit status %d", status)
	}
	system.Eventually(t, "the worker's end", func() bool { return system.Gone(pid) })
	if _, err := os.Stat(g.Socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the control socket is left behind: %v", err)
	}
}

// TestDefaultRelease: a worker that was given no release has one all the same, and tells it everywhere.
func TestDefaultRelease(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true})
	var said struct{ Release string }
	_, body := get(t, newClient(t), g.URL("/pid"))
	if err := json.Unmarshal(body, &said); err != nil {
		t.Fatal(err)
	}
	if known := g.Stats().Workers[0].Release; said.Release == "" || said.Release != known {
		t.Errorf("/pid says release %q, the gateway knows %q", said.Release, known)
	}
	g.Stop()
}

// TestDrainLimit: what does not finish in time is cut, and the end is still orderly.
func TestDrainLimit(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--drain-limit", "300ms"}})
	r := dial(t, g)
	r.send("GET /sleep?ms=600000 HTTP/1.1\r\nHost: x\r\n\r\n")
	system.Eventually(t, "in flight", func() bool { return g.Stats().Workers[0].InFlight == 1 })
	g.Stop()
}

// TestStats: every part of the statistics is there.
func TestStats(t *testing.T) {
	t.Parallel()
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
