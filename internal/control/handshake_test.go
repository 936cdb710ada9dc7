package control

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/ring"
)

func TestHandshakePassesSealedSegmentsAndSockets(t *testing.T) {
	server, h := serve(t, nil)
	p := dial(t, server)
	p.send(greeting())
	message, descriptors, err := p.receive()
	if err != nil {
		t.Fatal(err)
	}
	if message["type"] != typeAttach || message["lanes"] != 2.0 || message["worker_id"] != 1.0 || message["gateway_pid"] != float64(os.Getpid()) || fmt.Sprint(message["addresses"]) != "[http://127.0.0.1:1]" {
		t.Errorf("attach is %v", message)
	}
	if len(descriptors) != 2+small.Lanes {
		t.Fatalf("%d descriptors, want %d", len(descriptors), 2+small.Lanes)
	}
	const fixed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	for i, want := range []int{fixed | unix.F_SEAL_FUTURE_WRITE, fixed} {
		if seals, err := unix.FcntlInt(uintptr(descriptors[i]), unix.F_GET_SEALS, 0); err != nil || seals != want {
			t.Errorf("seals of descriptor %d are %#x (%v), want %#x", i, seals, err, want)
		}
	}
	if _, err := unix.Mmap(descriptors[0], 0, ring.Page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("the worker can map inbound writable")
	}
	if err := unix.Ftruncate(descriptors[1], 0); err == nil {
		t.Error("the worker can shrink outbound")
	}
	inbound, outbound := os.NewFile(uintptr(dup(t, descriptors[0])), "in"), os.NewFile(uintptr(dup(t, descriptors[1])), "out")
	segments, err := ring.OpenSegments(inbound, outbound)
	if err != nil {
		t.Fatal(err)
	}
	if segments.WorkerID != 1 || segments.Geometry != small {
		t.Errorf("the worker finds worker %d and %+v", segments.WorkerID, segments.Geometry)
	}
	_ = errors.Join(segments.Close(), inbound.Close(), outbound.Close())
	// Each wake-up socket is a non-blocking pair with the gateway's end of the same lane.
	for lane, fd := range descriptors[2:] {
		if _, err := unix.Read(fd, make([]byte, 1)); !errors.Is(err, unix.EAGAIN) {
			t.Errorf("lane %d: reading without data: %v, want EAGAIN", lane, err)
		}
		if _, err := unix.Write(h.socket(lane), []byte{byte(lane)}); err != nil {
			t.Fatal(err)
		}
		var got [2]byte
		if length, err := unix.Read(fd, got[:]); length != 1 || got[0] != byte(lane) {
			t.Errorf("lane %d: read %v %v", lane, got[:length], err)
		}
	}

	p.send(bare{typeReady})
	p.send(bare{typeLeaving})
	eventually(t, "leaving", func() bool { return slices.Contains(h.seen(), "leaving") })
	worker := h.worker(0)
	if worker.Pid != os.Getpid() || worker.UID != uint32(os.Geteuid()) || worker.Release != "r1" {
		t.Errorf("the host was told pid %d, uid %d, release %q", worker.Pid, worker.UID, worker.Release)
	}
	if err := worker.Drain(); err != nil {
		t.Fatal(err)
	}
	if message, _, err := p.receive(); err != nil || message["type"] != typeDrain {
		t.Fatalf("received %v %v, want drain", message, err)
	}
	_ = p.conn.Close()
	if _, reason := h.waitGone(t); !errors.Is(reason, ErrGone) {
		t.Errorf("reason %v, want ErrGone", reason)
	}
	if got, want := h.seen(), []string{"attach", "ready", "leaving", "gone"}; !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if err := worker.Kill(); err == nil {
		t.Error("the gateway would kill itself")
	}
}

func dup(t *testing.T, fd int) int {
	t.Helper()
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func TestPeersThatAreRefusedAreToldWhy(t *testing.T) {
	changed := func(change func(*hello)) hello {
		h := greeting()
		change(&h)
		return h
	}
	for _, test := range []struct {
		name    string
		message any
		want    []string
	}{
		{"protocol", changed(func(h *hello) { h.Protocol = 7 }), []string{"protocol 7", fmt.Sprint("expects ", Protocol)}},
		{"layout", changed(func(h *hello) { h.Layout = 9 }), []string{"layout 9", fmt.Sprint("expects ", ring.LayoutVersion)}},
		{"features", changed(func(h *hello) { h.Features = 6 }), []string{"features 0x6", "expects 0x0"}},
		{"no release", changed(func(h *hello) { h.Release = "" }), []string{"release"}},
		{"release with a newline", changed(func(h *hello) { h.Release = "a\nb" }), []string{`"a\nb"`, "printable"}},
		{"long release", changed(func(h *hello) { h.Release = strings.Repeat("x", 129) }), []string{"129 bytes", "128"}},
		{"long program", changed(func(h *hello) { h.Program = strings.Repeat("x", 1025) }), []string{"1025 bytes"}},
		{"ready first", bare{typeReady}, []string{`"ready"`, "expected hello"}},
		{"unknown type", bare{"nonsense"}, []string{`"nonsense"`, "expected hello"}},
		{"no type", struct{}{}, []string{"without a type"}},
		{"wrong member type", map[string]any{"type": "hello", "protocol": "one"}, []string{"JSON"}},
		{"an array", []int{1}, []string{"JSON"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, h := serve(t, nil)
			p := dial(t, server)
			p.send(test.message)
			reason := p.expectRefusal()
			for _, want := range test.want {
				if !strings.Contains(reason, want) {
					t.Errorf("reason %q lacks %q", reason, want)
				}
			}
			if strings.Contains(reason, "\n") {
				t.Errorf("reason %q is more than one line", reason)
			}
			if len(h.seen()) != 0 {
				t.Errorf("the host heard %v", h.seen())
			}
		})
	}
}

func TestPacketsThatAreNoMessages(t *testing.T) {
	for name, packet := range map[string][]byte{
		"garbage":     {0xff, 0x00, 0x17},
		"two objects": []byte(`{"type":"hello"}{"type":"hello"}`),
		"oversized":   []byte(`{"type":"` + strings.Repeat("x", maxPacket) + `"}`),
		"deep":        []byte(strings.Repeat(`{"type":`, 8000)),
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := serve(t, nil)
			p := dial(t, server)
			p.write(packet)
			if reason := p.expectRefusal(); len(reason) > 512 {
				t.Errorf("the reason has %d bytes", len(reason))
			}
			// The server goes on.
			attached(t, server)
		})
	}
}

func TestDescriptorsFromAWorkerAreRefusedAndClosed(t *testing.T) {
	server, _ := serve(t, nil)
	p := dial(t, server)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(pair[1]) }()
	if _, _, err := p.conn.WriteMsgUnix([]byte(`{"type":"hello"}`), unix.UnixRights(pair[0]), nil); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(pair[0])
	if reason := p.expectRefusal(); !strings.Contains(reason, "descriptors") {
		t.Errorf("reason %q", reason)
	}
	if length, err := unix.Read(pair[1], make([]byte, 1)); length != 0 || err != nil {
		t.Errorf("the gateway still holds the descriptor: %d %v", length, err)
	}
}

func TestAForeignUserIsRefused(t *testing.T) {
	server, _ := serve(t, func(c *Config) { c.Allow = func(uint32) bool { return false } })
	p := dial(t, server)
	p.send(greeting())
	if reason := p.expectRefusal(); !strings.Contains(reason, "may not attach") {
		t.Errorf("reason %q", reason)
	}
}

func TestSilentPeersTimeOut(t *testing.T) {
	server, h := serve(t, func(c *Config) { c.HelloTimeout, c.ReadyTimeout = 50*time.Millisecond, 100*time.Millisecond })
	if reason := dial(t, server).expectRefusal(); !strings.Contains(reason, "silent for 50ms, expected hello") {
		t.Errorf("reason %q", reason)
	}
	p, _ := attached(t, server)
	if reason := p.expectRefusal(); !strings.Contains(reason, "silent for 100ms in phase attach") {
		t.Errorf("reason %q", reason)
	}
	h.waitGone(t)
}

func TestPacketsOutOfSequenceEndTheWorker(t *testing.T) {
	for name, packets := range map[string][]any{
		"hello twice":   {greeting()},
		"ready twice":   {bare{typeReady}, bare{typeReady}},
		"leaving twice": {bare{typeReady}, bare{typeLeaving}, bare{typeLeaving}},
		"ready last":    {bare{typeLeaving}, bare{typeReady}},
		"gateway's own": {bare{typeDrain}},
	} {
		t.Run(name, func(t *testing.T) {
			server, h := serve(t, nil)
			p, _ := attached(t, server)
			for _, packet := range packets {
				p.send(packet)
			}
			if reason := p.expectRefusal(); !strings.Contains(reason, "expected") {
				t.Errorf("reason %q", reason)
			}
			if _, reason := h.waitGone(t); reason == nil || errors.Is(reason, ErrGone) {
				t.Errorf("the host was told %v", reason)
			}
		})
	}
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if check() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}
