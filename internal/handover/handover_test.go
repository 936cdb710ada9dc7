package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/listen"
)

// TestMain plays the new gateway where it was started as one.
func TestMain(m *testing.M) {
	if os.Getenv(Variable) == "" {
		os.Exit(m.Run())
	}
	state, line, err := Take()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, _ := json.Marshal(state)
	if err := line.Send(Message{Step: string(text)}); err != nil {
		os.Exit(1)
	}
	left := os.Getenv(Variable) + os.Getenv(watchdog)
	_ = line.Send(Message{Step: left})
	if m, err := line.Receive(); err != nil || m.Word != WordServe {
		os.Exit(1)
	}
	l, err := state.Listeners[0].Open()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	l.Close()
	_ = line.Send(Message{Word: WordServing})
	_, _ = line.Receive() // until the end
	os.Exit(3)
}

// fixture is what a gateway has open.
func fixture(t *testing.T) (*listen.Listener, func(give func(int) int) (State, error)) {
	t.Helper()
	l, err := listen.Open("127.0.0.1:0", listen.Options{Loops: 2, Backlog: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	path := filepath.Join(t.TempDir(), "s")
	claim, fd, err := listen.BindControl(path, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd); claim.Release() })
	return l, func(give func(int) int) (State, error) {
		return State{
			Listeners: []listen.Passed{l.Pass(give)},
			Control:   listen.Passed{Address: path, Sockets: []int{give(fd)}, Lock: give(claim.Descriptor())},
			Releases:  []Release{{Name: "r", Part: Active, Command: []string{"/w", "-x"}}},
			LastCrew:  7,
		}, nil
	}
}

func TestStart(t *testing.T) {
	t.Setenv(watchdog, strconv.Itoa(os.Getpid()))
	l, describe := fixture(t)
	s, err := Start(os.Args[0], describe)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Line.Close()
	m, err := s.Line.Receive()
	if err != nil {
		t.Fatal(err)
	}
	var state State
	if err := json.Unmarshal([]byte(m.Step), &state); err != nil {
		t.Fatalf("%q: %v", m.Step, err)
	}
	if state.Pid != os.Getpid() || state.LastCrew != 7 || len(state.Releases) != 1 || state.Releases[0].Command[1] != "-x" {
		t.Errorf("%+v", state)
	}
	if p := state.Listeners[0]; p.URL != l.URL || len(p.Sockets) != 2 || p.Sockets[0] < firstDescriptor {
		t.Errorf("%+v", p)
	}
	if m, err = s.Line.Receive(); err != nil || m.Step != strconv.Itoa(s.Pid) {
		t.Errorf("%+v %v, expected only the watchdog's variable, with process %d", m, err, s.Pid)
	}
	if err := s.Line.Send(Message{Word: WordServe}); err != nil {
		t.Fatal(err)
	}
	if m, err := s.Line.Receive(); err != nil || m.Word != WordServing {
		t.Fatalf("%+v %v", m, err)
	}
	// The sockets are shared with the child, which has closed its own: they still listen here, and do not block.
	sets, err := l.Share(2)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range sets[0] {
		if _, _, err := unix.Accept(fd); !errors.Is(err, unix.EAGAIN) {
			t.Errorf("accept: %v, expected EAGAIN", err)
		}
		_ = unix.Close(fd)
	}
	s.End(time.Minute)
	if s.Exit() != "signal: terminated" {
		t.Errorf("exit %q", s.Exit())
	}
	if _, err := s.Line.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("the line after the end: %v", err)
	}
}

// TestStartUnderAServiceManager: the next gateway is a child of whose child this process is.
func TestStartUnderAServiceManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/no/such/manager")
	_, describe := fixture(t)
	s, err := Start(os.Args[0], describe)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Line.Close()
	if _, err := s.Line.Receive(); err != nil {
		t.Fatal(err)
	}
	if got, want := process(t, s.Pid, "PPid"), strconv.Itoa(os.Getppid()); got != want {
		t.Errorf("its parent is process %s, want %s", got, want)
	}
	s.End(time.Minute)
	if s.Exit() != "the service manager has its exit status" {
		t.Errorf("exit %q", s.Exit())
	}
	if _, err := Start("/no/such/gateway", describe); err == nil || !strings.Contains(err.Error(), `"/no/such/gateway" cannot start`) {
		t.Errorf("%v", err)
	}
}

// TestOutlast: under a service manager the end of the gateway before is waited for, but not for ever.
func TestOutlast(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/no/such/manager")
	before := exec.Command("cat")
	input, err := before.StdinPipe()
	if err == nil {
		err = before.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = before.Wait() }()
	for _, limit := range []time.Duration{time.Millisecond, time.Hour} {
		pidfd, err := unix.PidfdOpen(before.Process.Pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		if limit == time.Hour {
			go func() { _ = input.Close() }()
		}
		(&State{before: pidfd}).Outlast(limit)
	}
	if got := process(t, before.Process.Pid, "State"); got != "Z (zombie)" {
		t.Errorf("the process before is in state %s, want its end", got)
	}
}

// process is a line of /proc/PID/status.
func process(t *testing.T, pid int, key string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n"+key+":\t")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

func TestStartOfNoProgram(t *testing.T) {
	_, describe := fixture(t)
	if _, err := Start("/no/such/gateway", describe); err == nil || !strings.Contains(err.Error(), `"/no/such/gateway" cannot start`) {
		t.Errorf("%v", err)
	}
	want := errors.New("no descriptor")
	if _, err := Start("/bin/true", func(func(int) int) (State, error) { return State{}, want }); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
}

func TestDecode(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b := pair[0], pair[1]
	c, err := unix.Dup(a)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, fd := range []int{a, b, c} {
			_ = unix.Close(fd)
		}
	}()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(pipe[0]), unix.Close(pipe[1]) }()
	const closed = 1 << 20
	for name, test := range map[string]struct{ text, want string }{
		"right":           {fmt.Sprintf(`{"pid":9,"line":%d,"control":{"address":"/s","sockets":[%d],"lock":%d}}`, a, b, c), ""},
		"no JSON":         {`pid 9`, "not the JSON"},
		"another parent":  {fmt.Sprintf(`{"pid":1,"parent":8,"line":%d}`, a), "for a child of process 8, expected one of process 9"},
		"another process": {fmt.Sprintf(`{"pid":1,"parent":9,"line":%d}`, a), "from process 1, and the line from process "},
		"no line":         {fmt.Sprintf(`{"pid":9,"line":%d}`, pipe[0]), "expected a unix socket"},
		"standard error":  {`{"pid":9,"line":2}`, "descriptor 2, expected"},
		"twice":           {fmt.Sprintf(`{"pid":9,"line":%d,"control":{"sockets":[%d],"lock":%d}}`, a, a, c), "expected different ones"},
		"closed":          {fmt.Sprintf(`{"pid":9,"line":%d}`, closed), "expected an open one"},
		"no lock":         {fmt.Sprintf(`{"pid":9,"line":%d,"control":{"sockets":[%d]}}`, a, b), "no control socket with its lock"},
		"closed admin": {fmt.Sprintf(`{"pid":9,"line":%d,"control":{"sockets":[%d],"lock":%d},"admin":{"sockets":[%d]}}`, a, b, c, closed),
			"expected an open one"},
	} {
		t.Run(name, func(t *testing.T) {
			state, err := decode(strings.ReplaceAll(test.text, `"pid":9`, fmt.Sprintf(`"pid":%d,"parent":9`, os.Getpid())), 9)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v, expected %q", err, test.want)
				}
				return
			}
			if err != nil || state.Control.Address != "/s" {
				t.Fatalf("%+v %v", state, err)
			}
			for _, fd := range []int{a, b, c} {
				if flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
					t.Errorf("descriptor %d is inherited by children", fd)
				}
			}
		})
	}
}

func TestTheLineHasToBeASocket(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openLine(fd); err == nil {
		t.Error("a line of /dev/null")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(s uintptr) { fd, err = unix.Dup(int(s)) }); err != nil {
		t.Fatal(err)
	}
	if _, err := openLine(fd); err == nil || !strings.Contains(err.Error(), "expected a unix socket") {
		t.Errorf("%v", err)
	}
}
