package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"ringway/bridge"
	"ringway/internal/engine"
	"ringway/internal/gateway"
	"ringway/ring"
)

// noEngine fails the test if the command line lets it come to an engine.
func noEngine(t *testing.T) NewEngine {
	return func(engine.Config) (gateway.Engine, error) {
		t.Helper()
		t.Error("an engine was made")
		return nil, errors.New("no engine")
	}
}

func TestBadInputIsOneLineThatNamesValueAndExpectation(t *testing.T) {
	for _, test := range []struct {
		args string
		want []string
	}{
		{"", []string{"no command", "man or help"}},
		{"run", []string{`"run"`, "man or help"}},
		{"version now", []string{`"now"`}},
		{"help me", []string{`"me"`}},
		{"serve --nope", []string{`"--nope"`, "gateway help serve"}},
		{"serve -x", []string{`"-x"`}},
		{"serve --nope=1", []string{`"--nope"`}},
		{"serve --listen", []string{"--listen", "ADDR"}},
		{"serve extra", []string{`"extra"`, "--"}},
		{"serve -- extra", []string{"extra", "--worker PATH"}},
		{"serve --worker w extra -- a", []string{`"extra"`}},
		{"serve --workers two --worker w", []string{"--workers", `"two"`, "whole number"}},
		{"serve --workers 0 --worker /bin/true", []string{"--workers 0", "1 to"}},
		{"serve --workers 2", []string{"--workers 2", "--worker PATH"}},
		{"serve --workers 65 --worker /bin/true --exchanges 1 --arena-size 128KiB", []string{"65", "at most 64", "--max-workers"}},
		{"serve --worker-user root", []string{"--worker-user root", "--worker PATH"}},
		{"serve --worker-user nobody-knows --worker /bin/true", []string{`"nobody-knows"`, "name or number"}},
		{"serve --socket-user nobody-knows", []string{`"nobody-knows"`, "name or number"}},
		{"serve --worker=", []string{"--worker is empty"}},
		{"serve --worker not-in-path-at-all", []string{`"not-in-path-at-all"`, "PATH"}},
		{"serve --loops 0", []string{"--loops 0", "1 to 64"}},
		{"serve --loops 65", []string{"--loops 65", "1 to 64"}},
		{"serve --native-path ping", []string{`"ping"`, "/ping=pong"}},
		{"serve --native-path ping=pong", []string{`"ping=pong"`}},
		{"serve --native-path /a?b=c", []string{`"/a?b=c"`}},
		{"serve --native-path /a=1 --native-path /a=2", []string{"/a", "once"}},
		{"serve --server-name \x01", []string{`"\x01"`, "ASCII"}},
		{"serve --park-limit -1", []string{"--park-limit -1", "0 to"}},
		{"serve --queue-deadline 5", []string{"--queue-deadline", `"5"`, "30s"}},
		{"serve --queue-deadline 0s", []string{"--queue-deadline 0s", "1ms"}},
		{"serve --drain-limit -1s", []string{"--drain-limit -1s"}},
		{"serve --pipeline-depth 257", []string{"257", "1 to 256"}},
		{"serve --max-body 5MB", []string{`"5MB"`, "8MiB"}},
		{"serve --head-timeout 25h", []string{"--head-timeout 25h", "0s to 24h"}},
		{"serve --send-timeout -1s", []string{"--send-timeout -1s", "0s to 24h"}},
		{"serve --body-rate 2GiB", []string{"--body-rate 2GiB", "0 to 1GiB"}},
		{"serve --max-body -1", []string{`"-1"`}},
		{"serve --max-body 99999999999GiB", []string{"99999999999GiB"}},
		{"serve --line-bytes 1", []string{"--line-bytes 1", "64"}},
		{"serve --head-bytes 48KiB", []string{"--head-bytes 48KiB", "40KiB"}},
		{"serve --fields 0", []string{"--fields 0"}},
		{"serve --exchanges 1000", []string{"--exchanges 1000", "power of two"}},
		{"serve --ring-slots 2048", []string{"--ring-slots 2048", "from 4096"}},
		{"serve --arena-size 1MiB", []string{"--arena-size 1MiB", "from 8MiB"}},
		{"serve --arena-size 8388609", []string{"8388609", "multiple of 64KiB"}},
		{"serve --memory-limit 1MiB", []string{"--memory-limit 1MiB", "at least"}},
		{"serve --max-workers 0", []string{"--max-workers 0"}},
		{"serve --log-format xml", []string{`"xml"`, "text or json"}},
		{"serve --access-log-format xml", []string{`"xml"`, "json or combined"}},
		{"serve --access-log=", []string{"--access-log is empty", "standard output"}},
		{"serve --access-log /no/such/dir/log", []string{`"/no/such/dir/log"`, "expected a file"}},
		{"serve --admin=", []string{"--admin is empty", "off"}},
		{"serve --trusted 10.0.0.0/33", []string{`"10.0.0.0/33"`, "10.0.0.0/8"}},
		{"serve --trusted 10.0.0.1/8", []string{`"10.0.0.1/8"`, "expected 10.0.0.0/8"}},
		{"serve --trusted localhost", []string{`"localhost"`, "unix"}},
		{"serve --trusted ::ffff:0:0/95", []string{`"::ffff:0:0/95"`, "96 to 128"}},
		{"serve --trusted fe80::1%lo", []string{`"fe80::1%lo"`}},
		{"serve --trusted=", []string{`""`}},
		{"serve --trusted" + strings.Repeat(" 10.0.0.1 --trusted", 256) + " ::1", []string{"257", "at most 256"}},
		{"serve --request-id=perhaps", []string{"--request-id", `"perhaps"`}},
		{"serve --socket=", []string{"--socket is empty"}},
	} {
		t.Run(test.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := Run(strings.Fields(test.args), &stdout, &stderr, noEngine(t)); code != exitBadInput {
				t.Errorf("exit code %d, want %d", code, exitBadInput)
			}
			line := stderr.String()
			if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "gateway: ") || stdout.Len() != 0 {
				t.Errorf("stderr %q, stdout %q, want one line on stderr", line, stdout.String())
			}
			if !strings.Contains(line, "expected") {
				t.Errorf("%q does not say what was expected", line)
			}
			for _, want := range test.want {
				if !strings.Contains(line, want) {
					t.Errorf("%q lacks %q", line, want)
				}
			}
		})
	}
}

func settleArgs(t *testing.T, args ...string) *settled {
	t.Helper()
	o, f, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	s, err := settle(o, f)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDefaults(t *testing.T) {
	s := settleArgs(t, "--socket", "/tmp/s", "--loops", "2")
	if want := (ring.Geometry{Lanes: 2, RingSlots: 4096, ExchangeSlots: 1024, ArenaUnits: 16384}); s.gateway.Geometry != want {
		t.Errorf("geometry %+v, want %+v", s.gateway.Geometry, want)
	}
	if s.gateway.Program != nil || s.gateway.Admin != "127.0.0.1:9180" || s.gateway.DrainLimit != 30*time.Second || s.gateway.Socket != "/tmp/s" {
		t.Errorf("%+v", s.gateway)
	}
	if s.engine.Loops != 2 || s.engine.Settings.MaxBody != 64<<20 || s.engine.Settings.LineBytes != 8<<10 || s.engine.Settings.HeadBytes != 32<<10 || s.engine.Settings.Fields != 100 {
		t.Errorf("%+v", s.engine)
	}
	if s.gateway.MemoryLimit < 64<<20 {
		t.Errorf("memory limit %d", s.gateway.MemoryLimit)
	}
}

func TestFlagsReachTheConfiguration(t *testing.T) {
	s := settleArgs(t, "--listen", "127.0.0.1:1", "--listen", "unix:/x", "--admin", "off", "--socket", "s", "--socket-user", "4711",
		"--worker", "/bin/true", "--workers", "3", "--native-path", "/ping=pong", "--native-path", "/a=b=c", "--exchanges", "64",
		"--memory-limit", "1GiB", "--server-name=", "--", "--mode", "env")
	if got := s.gateway.Listen; len(got) != 2 || got[1] != "unix:/x" {
		t.Errorf("listen %v", got)
	}
	if p := s.gateway.Program; p == nil || strings.Join(p.Argv, " ") != "/bin/true --mode env" || p.Count != 3 {
		t.Errorf("program %+v", p)
	}
	if paths := s.engine.Settings.NativePaths; paths["/ping"] != "pong" || paths["/a"] != "b=c" {
		t.Errorf("native paths %v", paths)
	}
	if s.gateway.Admin != "" || !filepath.IsAbs(s.gateway.Socket) || s.gateway.SocketUsers[0] != 4711 || s.engine.Settings.ServerName != "" {
		t.Errorf("%+v", s.gateway)
	}
	if g := s.gateway.Geometry; g.ExchangeSlots != 64 || g.RingSlots != 256 || g.ArenaUnits != 16384 {
		t.Errorf("geometry %+v", g)
	}
	if s := settleArgs(t, "--socket", "s", "--exchanges", "4096", "--loops", "1"); s.gateway.Geometry.ArenaUnits != 32768 || s.gateway.Geometry.RingSlots != 16384 {
		t.Errorf("many exchanges get %+v", s.gateway.Geometry)
	}
}

func TestWorkerUserMayAttach(t *testing.T) {
	args := []string{"--socket", "s", "--worker", "/bin/true", "--worker-user", "4711"}
	if os.Geteuid() != 0 {
		o, f, err := parse(args)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := settle(o, f); err == nil || !strings.Contains(err.Error(), "expected a gateway that runs as root") {
			t.Errorf("error %v", err)
		}
		return
	}
	s := settleArgs(t, args...)
	if c := s.gateway.Program.Credential; c == nil || c.Uid != 4711 || c.Gid != 4711 {
		t.Errorf("credential %+v", c)
	}
	if users := s.gateway.SocketUsers; len(users) != 1 || users[0] != 4711 {
		t.Errorf("users %v", users)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]string{"0": "0", "65536": "64KiB", "64KiB": "64KiB", "8MiB": "8MiB", "1GiB": "1GiB", "7B": "7", "1025": "1025"} {
		var s size
		if err := s.Set(text); err != nil || s.String() != want {
			t.Errorf("%s: %s %v, want %s", text, &s, err, want)
		}
	}
}

func TestDefaultSocketIsInAPrivateDirectory(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", directory)
	path, mode := defaultSocket(false)
	if path != filepath.Join(directory, "ringway", filepath.Base(bridge.DefaultSocket)) {
		t.Fatalf("%q", path)
	}
	if _, err := os.Lstat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Errorf("the directory was made early: %v", err)
	}
	if err := makeDirectory(filepath.Dir(path), mode); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := makeDirectory(filepath.Dir(path), mode); err == nil || !strings.Contains(err.Error(), "expected --socket") {
		t.Errorf("a directory that anybody may write was accepted: %v", err)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for args, want := range map[string]string{
		"help": "Commands:", "--help": "Commands:", "help serve": "--listen", "serve --help": "--listen", "version": fmt.Sprintf("ring layout %d", ring.LayoutVersion), "--version": "ringway gateway",
	} {
		var stdout, stderr bytes.Buffer
		if code := Run(strings.Fields(args), &stdout, &stderr, noEngine(t)); code != exitOK || !strings.Contains(stdout.String(), want) || stderr.Len() != 0 {
			t.Errorf("%s: code %d, stdout %q, stderr %q", args, code, stdout.String(), stderr.String())
		}
	}
}

// idleEngine accepts everything and has no clients.
type idleEngine struct {
	notices   chan engine.Notice
	listeners []int
}

func (e *idleEngine) AddListener(fds []int, _ bool) error {
	e.listeners = append(e.listeners, fds...)
	return nil
}
func (e *idleEngine) Start() error                                { return nil }
func (e *idleEngine) Attach(engine.Attachment) error              { return nil }
func (e *idleEngine) Change(engine.Settings) error                { return nil }
func (e *idleEngine) Select(_, _ []uint64) error                  { return nil }
func (e *idleEngine) Probe(uint64, string, uint64) error          { return nil }
func (e *idleEngine) Drain(uint64)                                {}
func (e *idleEngine) EndStreams(uint64)                           {}
func (e *idleEngine) Detach(uint64)                               {}
func (e *idleEngine) Notices() <-chan engine.Notice               { return e.notices }
func (e *idleEngine) HandOver()                                   {}
func (e *idleEngine) AnnounceStop()                               {}
func (e *idleEngine) StopAccepting()                              { e.notices <- engine.Notice{Kind: engine.Quiet} }
func (e *idleEngine) Cut()                                        {}
func (e *idleEngine) AccessLog() engine.AccessSource              { return nil }
func (e *idleEngine) Stats() engine.Stats                         { return engine.Stats{} }
func (e *idleEngine) Requests(int) ([]engine.Request, int, error) { return nil, 0, nil }
func (e *idleEngine) Close() {
	for _, fd := range e.listeners {
		_ = syscall.Close(fd)
	}
}

func newIdleEngine(engine.Config) (gateway.Engine, error) {
	return &idleEngine{notices: make(chan engine.Notice, 1)}, nil
}

func TestWhatIsInTheWayIsNamed(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	address := busy.Addr().String()
	directory := t.TempDir()
	socket := filepath.Join(directory, "s")
	live, err := net.Listen("unixpacket", filepath.Join(directory, "live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen", address, "--socket", socket}, address},
		{[]string{"--listen", "nonsense", "--socket", socket}, `"nonsense"`},
		{[]string{"--admin", address, "--socket", socket}, address},
		{[]string{"--admin", "nonsense", "--socket", socket}, `"nonsense"`},
		{[]string{"--socket", live.Addr().String()}, live.Addr().String()},
		{[]string{"--socket", "/no/such/dir/s"}, "/no/such/dir"},
		{[]string{"--socket", socket, "--worker", "/no/such/worker"}, "/no/such/worker"},
	} {
		args := append([]string{"serve"}, test.args...)
		for name, value := range map[string]string{"--listen": "127.0.0.1:0", "--admin": "127.0.0.1:0"} {
			if !strings.Contains(strings.Join(args, " "), name) {
				args = append(args, name, value)
			}
		}
		var stdout, stderr bytes.Buffer
		if code := Run(args, &stdout, &stderr, newIdleEngine); code != exitBadInput {
			t.Errorf("%v: exit code %d, want %d", args, code, exitBadInput)
		}
		line := stderr.String()
		if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "gateway: ") || !strings.Contains(line, test.want) || !strings.Contains(line, "expected") {
			t.Errorf("%v: %q, want one line that names %s", args, line, test.want)
		}
		if stdout.Len() != 0 {
			t.Errorf("%v: stdout %q", args, stdout.String())
		}
	}
}

func TestServeUntilSignal(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	code := make(chan int, 1)
	go func() {
		var stderr bytes.Buffer
		code <- Run([]string{"serve", "--listen", "127.0.0.1:0", "--listen", "unix:" + filepath.Join(t.TempDir(), "h"), "--admin", "127.0.0.1:0",
			"--socket", filepath.Join(t.TempDir(), "s")}, writer, &stderr, newIdleEngine)
		_ = writer.Close()
	}()
	text := make([]byte, 4096)
	length, err := reader.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text[:length])), "\n")
	for i, prefix := range []string{"listening on http://127.0.0.1:", "listening on unix:/", "admin on http://127.0.0.1:", "control socket on /"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], prefix) {
			t.Fatalf("stdout %q, want line %d to start with %q", lines, i, prefix)
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-code:
		if got != exitOK {
			t.Errorf("exit code %d", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the gateway did not end")
	}
}
