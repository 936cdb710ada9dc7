package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/ring"
	"ringway/test/e2e/system"
)

// oneLine expects that a program ends with status 2 after one line on standard error that holds every word.
func oneLine(t *testing.T, p *system.Process, words ...string) {
	t.Helper()
	status, text := p.Exit(system.Patience), p.Stderr()
	if status != 2 || strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("status %d, want 2 and one line:\n%s", status, text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not named in:\n%s", word, text)
		}
	}
}

func TestBadInputOfTheGateway(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	g := system.StartGateway(t, system.Options{})
	directory := t.TempDir()
	script := filepath.Join(directory, "script")
	if err := os.WriteFile(script, []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	good := []string{"serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--socket", filepath.Join(directory, "s")}
	for _, test := range []struct {
		arguments []string
		words     []string
	}{
		{nil, []string{"serve"}},
		{[]string{"sevre"}, []string{"sevre", "expected"}},
		{append(good[:1:1], "--lisen", "x"), []string{"--lisen", "expected"}},
		{append(good, "stray"), []string{"stray", "expected"}},
		{append(good, "--listen", "nonsense"), []string{"nonsense", "expected"}},
		{append(good, "--listen", "127.0.0.1:99999"), []string{"127.0.0.1:99999", "expected"}},
		{append(good, "--listen", "203.0.113.9:0"), []string{"203.0.113.9:0"}},
		{append(good, "--listen", busy.Addr().String()), []string{busy.Addr().String(), "expected"}},
		{append(good, "--listen", g.Addr), []string{g.Addr, "expected"}},
		{append(good, "--admin", busy.Addr().String()), []string{busy.Addr().String(), "expected"}},
		{append(good, "--socket", g.Socket), []string{g.Socket, "expected"}},
		{append(good, "--socket", filepath.Join(directory, "no", "s")), []string{filepath.Join(directory, "no", "s")}},
		{append(good, "--socket", directory), []string{directory}},
		{append(good, "--worker", filepath.Join(directory, "missing")), []string{filepath.Join(directory, "missing"), "expected"}},
		{append(good, "--worker", directory), []string{directory, "expected"}},
		{append(good, "--worker", script), []string{script}},
		{append(good, "--", "x"), []string{"x", "--worker"}},
		{append(good, "--loops", "0"), []string{"--loops", "0", "expected"}},
		{append(good, "--loops", "many"), []string{"--loops", "many", "expected"}},
		{append(good, "--workers", "2"), []string{"--workers", "--worker"}},
		{append(good, "--exchanges", "1000"), []string{"1000", "power of two"}},
		{append(good, "--ring-slots", "64"), []string{"--ring-slots", "64", "4096"}},
		{append(good, "--exchanges", "64", "--arena-size", "65537"), []string{"65537", "expected"}},
		{append(good, "--exchanges", "64", "--arena-size", "64KiB"), []string{"64KiB", "expected"}},
		{append(good, "--native-path", "ping"), []string{"ping", "expected"}},
		{append(good, "--queue-deadline", "5"), []string{"--queue-deadline", "5", "expected"}},
		{append(good, "--max-body", "-1"), []string{"-1", "expected"}},
		{append(good, "--memory-limit", "1MiB"), []string{"1MiB", "expected"}},
		{append(good, "--socket-user", "no-such-user-here"), []string{"no-such-user-here", "expected"}},
		{append(good, "--log-format", "xml"), []string{"xml", "expected"}},
	} {
		t.Run(strings.Join(test.arguments[min(len(test.arguments), 7):], " "), func(t *testing.T) {
			oneLine(t, system.Start(t, nil, system.Programs.Gateway, test.arguments...), test.words...)
		})
	}
	// The gateway whose addresses and socket were asked for serves on.
	g.StartWorker()
	g.WaitReady(1)
	get(t, newClient(t), g.URL("/"))
	g.Stop()
}

// TestSmallestArena: whatever the command line accepts, workers can attach to.
func TestSmallestArena(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"256KiB", "512KiB"} {
		p := system.Start(t, nil, system.Programs.Gateway, "serve", "--listen", "127.0.0.1:0", "--admin", "off",
			"--socket", filepath.Join(t.TempDir(), "s"), "--exchanges", "64", "--arena-size", size, "--worker", system.Programs.Worker)
		for deadline := time.Now().Add(system.Patience); ; time.Sleep(10 * time.Millisecond) {
			if p.Ended() {
				oneLine(t, p, size, "expected")
				break
			}
			if strings.Contains(p.Stderr(), "worker is ready") {
				p.Kill()
				break
			}
			if strings.Contains(p.Stderr(), "refused") || time.Now().After(deadline) {
				t.Errorf("--exchanges 64 --arena-size %s was accepted, but the worker is not", size)
				p.Kill()
				break
			}
		}
	}
}

func TestBadInputOfTheWorker(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for _, test := range []struct {
		arguments, words []string
	}{
		{[]string{"--mode", "x"}, []string{"x", "handler"}},
		{[]string{"--dispatch", "x"}, []string{"x", "inline"}},
		{[]string{"--unknown"}, []string{"unknown"}},
		{[]string{"stray"}, []string{"stray"}},
	} {
		t.Run(strings.Join(test.arguments, " "), func(t *testing.T) {
			p := system.Start(t, []string{"RINGWAY_SOCKET=" + filepath.Join(directory, "s")}, system.Programs.Worker, test.arguments...)
			oneLine(t, p, test.words...)
		})
	}
}

// talk opens the control socket as a worker does, says something, and returns what the gateway says.
func talk(t *testing.T, g *system.Gateway, hello any) map[string]any {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: g.Socket}); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(hello)
	if _, err := unix.Write(fd, text); err != nil {
		t.Fatal(err)
	}
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
	packet := make([]byte, 64<<10)
	n, err := unix.Read(fd, packet)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]any{}
	if err := json.Unmarshal(packet[:n], &said); err != nil {
		t.Fatalf("%q: %v", packet[:n], err)
	}
	return said
}

// TestAnotherLayoutIsRefused: a worker that was built for another layout is refused by a clear line.
func TestAnotherLayoutIsRefused(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true})
	hello := func(change func(map[string]any)) map[string]any {
		h := map[string]any{
			"type": "hello", "protocol": 1, "layout": ring.LayoutVersion, "features": 0, "release": "r", "pid": os.Getpid(), "program": "p",
		}
		change(h)
		return h
	}
	refused := 0
	for name, test := range map[string]struct {
		change func(map[string]any)
		words  []string
	}{
		"layout":   {func(h map[string]any) { h["layout"] = 999 }, []string{"999", fmt.Sprint("expects ", ring.LayoutVersion)}},
		"protocol": {func(h map[string]any) { h["protocol"] = 77 }, []string{"77", "1"}},
		"features": {func(h map[string]any) { h["features"] = 8 }, []string{"0x8", "0x0"}},
		"release":  {func(h map[string]any) { h["release"] = "" }, []string{"release"}},
		"type":     {func(h map[string]any) { h["type"] = "ready" }, []string{"ready", "hello"}},
	} {
		said := talk(t, g, hello(test.change))
		text, _ := said["error"].(string)
		if said["type"] != "refuse" || text == "" || strings.Contains(text, "\n") {
			t.Errorf("%s: %v", name, said)
		}
		for _, word := range test.words {
			if !strings.Contains(text, word) {
				t.Errorf("%s: %q does not name %s", name, text, word)
			}
		}
		refused++
		system.Eventually(t, "the refusal in the log", func() bool {
			return strings.Count(g.Stderr(), `msg="worker refused"`) == refused && strings.Contains(g.Stderr(), strings.ReplaceAll(text, `"`, `\"`))
		})
	}
	if said := talk(t, g, hello(func(map[string]any) {})); said["type"] != "attach" {
		t.Errorf("%v", said)
	}
	get(t, newClient(t), g.URL("/"))
	if mode, err := os.Stat(g.Socket); err != nil || mode.Mode().Perm() != 0o600 {
		t.Errorf("mode of the socket: %v, %v", mode.Mode(), err)
	}
	g.Stop()
}

// TestRefusedWorker: a worker whose gateway refuses it ends with one line and status 2.
func TestRefusedWorker(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	p := system.Start(t, []string{"RINGWAY_SOCKET=" + path}, system.Programs.Worker)
	peer, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(peer)
	packet := make([]byte, 64<<10)
	n, err := unix.Read(peer, packet)
	if err != nil || !strings.Contains(string(packet[:n]), `"hello"`) {
		t.Fatalf("%q, %v", packet[:n], err)
	}
	text := `{"type":"refuse","error":"the worker was built for ring layout 1, this gateway expects 2"}`
	if _, err := unix.Write(peer, []byte(text)); err != nil {
		t.Fatal(err)
	}
	oneLine(t, p, "ring layout 1", "expects 2")
}
