package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"ringway/internal/admin"
)

// feeder is an admin server whose events are made up: each connection gets the next of its scripts, and then its end, or, of the last
// script, silence.
type feeder struct {
	*httptest.Server
	mu      sync.Mutex
	scripts []string
	started []time.Time // of the gateway, at each connection
	asked   []string    // Last-Event-ID of each connection
}

func newFeeder(t *testing.T, started []time.Time, scripts ...string) *feeder {
	t.Helper()
	f := &feeder{scripts: scripts, started: started}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		n := len(f.asked)
		if r.URL.Path == "/stats" {
			s := admin.Snapshot{
				Gateway:       admin.Gateway{Pid: 12, Version: "v1", State: "running", Started: f.started[min(n, len(f.started)-1)]},
				Releases:      []admin.Release{{Name: "r1\x1b[31m", State: "active", Workers: 1, Ready: 1}},
				Workers:       []admin.Worker{{ID: 3, Release: "r1", State: "ready"}},
				LatencyBounds: []uint64{1e6, 2e6, 4e6},
			}
			f.mu.Unlock()
			_ = json.NewEncoder(w).Encode(s)
			return
		}
		f.asked = append(f.asked, r.Header.Get("Last-Event-ID"))
		f.mu.Unlock()
		_, _ = w.Write([]byte(f.scripts[min(n, len(f.scripts)-1)]))
		_ = http.NewResponseController(w).Flush()
		if n >= len(f.scripts)-1 {
			<-r.Context().Done()
		}
	}))
	t.Cleanup(f.CloseClientConnections)
	return f
}

func (f *feeder) address() string { return strings.TrimPrefix(f.URL, "http://") }

func sampleText(second int, requests uint64) string {
	s := admin.Sample{
		Time: time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC), State: "running", Connections: 4, Requests: requests, InFlight: 2, Parked: 1,
		Answers: map[string]uint64{"2xx": requests}, Latency: []uint64{requests / 2, requests / 2, 0, 0},
		Lanes: []admin.LaneSample{
			{Worker: 3, Loop: 1, State: "ready", Depth: 1, Slots: 16, InFlight: 1, ArenaBytes: 1 << 20, InboundBytes: 2048, WakeupsSent: 1, WakeupsAvoided: 3},
			{Worker: 3, Loop: 0, State: "ready", Depth: 2, Slots: 16, InFlight: 1, ArenaBytes: 1 << 20},
		},
	}
	text, _ := json.Marshal(s)
	return fmt.Sprintf("event: sample\ndata: %s\n\n", text)
}

func stateText(id uint64, name, state string) string {
	text, _ := json.Marshal(admin.Event{ID: id, Kind: "release", Name: name, State: state, Was: "warming", Reason: "because"})
	return fmt.Sprintf("event: state\nid: %d\ndata: %s\n\n", id, text)
}

// collector ends after some events.
type collector struct {
	eventPrinter
	out, complaints bytes.Buffer
	left            int
}

func (c *collector) event(text []byte, e admin.Event) error {
	if err := c.eventPrinter.event(text, e); err != nil {
		return err
	}
	if c.left--; c.left == 0 {
		return errEnough
	}
	return nil
}

func collect(t *testing.T, f *feeder, events int, asJSON bool) *collector {
	t.Helper()
	c := &collector{left: events}
	c.eventPrinter = eventPrinter{stdout: &c.out, stderr: &c.complaints, json: asJSON}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := newClient(f.address(), "").follow(ctx, c); err != nil || ctx.Err() != nil {
		t.Fatalf("%v, %v", err, ctx.Err())
	}
	return c
}

// TestEventsGoOnAfterALostConnection: from the last one that was seen, or from the first one of another process.
func TestEventsGoOnAfterALostConnection(t *testing.T) {
	first, second := time.Unix(1, 0).UTC(), time.Unix(2, 0).UTC()
	f := newFeeder(t, []time.Time{first, first, second}, stateText(6, "r1", "active")+stateText(7, "r2", "active"), stateText(8, "r3\x1b[2J", "failed"), stateText(1, "r1", "active"))
	c := collect(t, f, 4, false)
	lines := strings.Split(strings.TrimSpace(c.out.String()), "\n")
	if len(lines) != 4 || !strings.HasSuffix(lines[0], "  release r1: warming -> active (because)") || strings.Contains(c.out.String(), "\x1b") {
		t.Errorf("%q", lines)
	}
	if fmt.Sprintf("%q", f.asked) != `["" "7" ""]` || strings.Count(c.complaints.String(), "connection lost") != 2 {
		t.Errorf("Last-Event-ID %q, want none, 7, none; %s", f.asked, &c.complaints)
	}
}

func TestEventsAsJSON(t *testing.T) {
	f := newFeeder(t, []time.Time{time.Unix(1, 0)}, ": a comment\n\n"+stateText(1, "r1", "active")+"event: later\ndata: {}\n\n"+stateText(2, "r2", "failed"))
	c := collect(t, f, 2, true)
	for i, line := range strings.Split(strings.TrimSpace(c.out.String()), "\n") {
		var e admin.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID != uint64(i+1) {
			t.Errorf("line %q: %+v, %v", line, e, err)
		}
	}
}

func TestEventsOfNoGateway(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"code": "no-token", "detail": "no token"}`))
	}))
	defer refusing.Close()
	garbage := newFeeder(t, []time.Time{time.Unix(1, 0)}, "event: state\ndata: {\n\n")
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"nobody":             {[]string{"events", "--admin", "127.0.0.1:1"}, exitFailure, "no gateway answers"},
		"top of nobody":      {[]string{"top", "--admin", "127.0.0.1:1"}, exitFailure, "no gateway answers"},
		"a token is missing": {[]string{"events", "--admin", strings.TrimPrefix(refusing.URL, "http://")}, exitFailure, "--admin-token-file"},
		"garbage":            {[]string{"events", "--admin", garbage.address()}, exitFailure, "cannot be read"},
		"an argument":        {[]string{"top", "now"}, exitBadInput, `unexpected argument "now"`},
		"no number":          {[]string{"top", "-n", "-1"}, exitBadInput, "--samples -1"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := Run(test.args, &stdout, &stderr, noEngine(t)); code != test.code || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("exit code %d, stderr %q, want %d and %q", code, stderr.String(), test.code, test.want)
			}
		})
	}
}

// TestTopWithoutATerminal: a line for each sample and event; another process does not make rates of nonsense.
func TestTopWithoutATerminal(t *testing.T) {
	script := sampleText(1, 1000) + stateText(1, "r1", "active") + sampleText(2, 1200) + sampleText(3, 1)
	f := newFeeder(t, []time.Time{time.Unix(1, 0)}, script)
	lines := strings.Split(strings.TrimSpace(print(t, "top", "-n", "3", "--admin", f.address())), "\n")
	if len(lines) != 4 {
		t.Fatalf("%q", lines)
	}
	for i, parts := range [][]string{
		{"running", "requests/s -", "p50 -", "connections 4", "in flight 2", "parked 1"}, {"release r1: warming -> active"},
		{"requests/s 200", "p50 1.00ms", "p99 1.98ms", "2xx/s 200"}, {"requests/s -"},
	} {
		for _, part := range parts {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d is %q, want %q", i, lines[i], part)
			}
		}
	}
}

func TestFrameFitsTheScreen(t *testing.T) {
	f := newFeeder(t, []time.Time{time.Unix(1, 0)}, "")
	client := newClient(f.address(), "")
	snapshot, err := client.snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{client: client, out: &bytes.Buffer{}, snapshot: snapshot}
	for i := range 100 {
		var s admin.Sample
		text := sampleText(i%60, uint64(100*i*i))
		if err := json.Unmarshal([]byte(strings.TrimPrefix(strings.TrimSpace(text), "event: sample\ndata: ")), &s); err != nil {
			t.Fatal(err)
		}
		if err := v.sample(s); err != nil {
			t.Fatal(err)
		}
		_ = v.event(nil, admin.Event{ID: uint64(i), Kind: "worker", Name: "3", State: "ready", Reason: strings.Repeat("long ", 50)})
	}
	whole := strings.Join(v.frame(200, 50), "\n")
	for _, part := range []string{"gateway running  pid 12", "RELEASE", `"r1\x1b[31m"`, "requests ▁", "█", "3       r1       ready  2          3/32  2.00KiB/2.00MiB", "75.0%", "EVENTS", "worker 3: ready (long"} {
		if !strings.Contains(whole, part) {
			t.Errorf("the frame lacks %q:\n%s", part, whole)
		}
	}
	for _, size := range [][2]int{{200, 50}, {80, 24}, {40, 10}, {10, 3}, {1, 1}} {
		lines := v.frame(size[0], size[1])
		if len(lines) > size[1] || len(lines) == 0 {
			t.Errorf("%d lines on a screen of %v", len(lines), size)
		}
		for _, line := range lines {
			seen := strings.NewReplacer(strong, "", faint, "", plain, "").Replace(line)
			if utf8.RuneCountInString(seen) > size[0] || strings.ContainsAny(seen, "\n\x1b") {
				t.Errorf("line %q on a screen of %v", line, size)
			}
		}
	}
}

// TestTopOnATerminal: it draws, ends at q, and leaves the terminal as it was.
func TestTopOnATerminal(t *testing.T) {
	keyboard, screen := pseudoTerminal(t)
	before, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 90}); err != nil {
		t.Fatal(err)
	}
	f := newFeeder(t, []time.Time{time.Unix(1, 0)}, stateText(1, "r1", "active")+sampleText(1, 100)+sampleText(2, 300))
	ended := make(chan error, 1)
	go func() { ended <- newClient(f.address(), "").topOn(t.Context(), screen, screen, 0) }()
	var drawn strings.Builder
	await := func(text string) {
		t.Helper()
		for part := make([]byte, 4096); !strings.Contains(drawn.String(), text); {
			n, err := keyboard.Read(part)
			if err != nil {
				t.Fatalf("%v, and no %q, after %q", err, text, drawn.String())
			}
			drawn.Write(part[:n])
		}
	}
	await("requests/s 200")
	if _, err := keyboard.WriteString("xq"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	await(firstScreen)
	if !strings.HasPrefix(drawn.String(), otherScreen) || !strings.HasSuffix(drawn.String(), firstScreen) {
		t.Errorf("drawn %q, want the other screen, and the first one again", drawn.String())
	}
	after, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal was %+v, is %+v (%v)", before, after, err)
	}
}

// pseudoTerminal returns both ends of one (pty(7)).
func pseudoTerminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

func TestFiguresForPeople(t *testing.T) {
	for want, n := range map[string]float64{"0": 0, "0.25": 0.25, "38": 38, "9.50": 9.5, "61.3": 61.3, "120": 120.4, "1.24k": 1240, "61.3k": 61300, "2.00M": 2e6, "1.00k": 999.9} {
		if got := short(n); got != want {
			t.Errorf("%v is %q, want %q", n, got, want)
		}
	}
	for want, d := range map[string]time.Duration{"-": 0, "250us": 250 * time.Microsecond, "1.50ms": 1500 * time.Microsecond, "12.0s": 12 * time.Second} {
		if got := shortTime(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	for _, test := range []struct {
		q      float64
		counts []uint64
		want   time.Duration
	}{
		{0.5, nil, 0}, {0.5, []uint64{0, 0, 0, 0}, 0}, {0.5, []uint64{2, 2, 0, 0}, 100}, {0.75, []uint64{2, 2, 0, 0}, 150}, {0.99, []uint64{0, 0, 0, 5}, 400}, {0.5, []uint64{0, 0, 4, 0}, 300},
	} {
		if got := quantile(test.q, test.counts, []uint64{100, 200, 400}); got != test.want {
			t.Errorf("quantile %v of %v is %d, want %d", test.q, test.counts, got, test.want)
		}
	}
}

// TestWhatIsDrawnOn: a terminal that says that it understands nothing gets lines, as a file does.
func TestWhatIsDrawnOn(t *testing.T) {
	_, screen := pseudoTerminal(t)
	for term, want := range map[string]bool{"xterm": true, "": true, "dumb": false} {
		t.Setenv("TERM", term)
		if got := isTerminal(screen); got != want {
			t.Errorf("TERM=%s: %v, want %v", term, got, want)
		}
	}
}
