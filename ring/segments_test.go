package ring

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mmap "github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

var testGeometry = Geometry{Lanes: 2, RingSlots: 64, ExchangeSlots: 16, ArenaUnits: 128}

func TestSegments(t *testing.T) {
	s, err := CreateSegments(42, testGeometry)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w, err := OpenSegments(s.InboundFile, s.OutboundFile)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if w.Geometry != testGeometry || w.WorkerID != 42 {
		t.Fatalf("%+v %d", w.Geometry, w.WorkerID)
	}
	// What one side writes the other sees, through the second lane.
	m := NewLaneMemory(testGeometry, testGeometry.InboundLane(s.Inbound, 1), testGeometry.OutboundLane(s.Outbound, 1))
	l := w.Lane(1)
	m.InEvents[0] = Event{Kind: EventCredit, Credit: 1024}
	m.InTail.Store(1)
	var e Event
	if !l.Take(&e) || e.Credit != 1024 || m.InHead.Load() != 1 {
		t.Fatalf("%+v", e)
	}
}

func TestSeals(t *testing.T) {
	s, err := CreateSegments(1, testGeometry)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := mmap.MapRegion(s.InboundFile, len(s.Inbound), mmap.RDWR, 0, 0); err == nil {
		t.Error("inbound can be mapped for writing")
	}
	if _, err := s.InboundFile.WriteAt([]byte{1}, 0); err == nil {
		t.Error("inbound can be written to")
	}
	for _, f := range []*os.File{s.InboundFile, s.OutboundFile} {
		if f.Truncate(0) == nil || f.Truncate(1<<30) == nil {
			t.Errorf("%s can be resized", f.Name())
		}
		if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); err == nil {
			t.Errorf("%s can get another seal", f.Name())
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		name  string
		spoil func(in, out []byte)
		want  string
	}{
		{"magic", func(in, out []byte) { in[0] = 0 }, "magic is 0x31594157474e4900, want 0x31594157474e4952"},
		{"version", func(in, out []byte) { le.PutUint32(out[8:], 1) }, "layout version is 1, want 2"},
		{"kind", func(in, out []byte) { le.PutUint32(in[12:], 2) }, "kind is 2, want 1"},
		{"features", func(in, out []byte) { in[24] = 4 }, "features are 0x4, only 0x0 are known"},
		{"size", func(in, out []byte) { in[16]++ }, "the header says"},
		{"lanes", func(in, out []byte) { in[32] = 65 }, "65 lanes, want 1 to 64"},
		{"slots", func(in, out []byte) { in[36] = 32 }, "32 ring slots, want a power of two from 4 * 16"},
		{"units", func(in, out []byte) { in[44] = 65 }, "65 arena units, want a multiple of 64"},
		{"other", func(in, out []byte) { in[48] = 9 }, "of worker 9"},
	} {
		s, err := CreateSegments(1, testGeometry)
		if err != nil {
			t.Fatal(err)
		}
		c.spoil(s.Inbound, s.Outbound)
		_, err = OpenSegments(s.InboundFile, s.OutboundFile)
		if !errors.Is(err, ErrLayout) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		_ = s.Close()
	}
	fd, err := unix.MemfdCreate("bare", unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	bare := os.NewFile(uintptr(fd), "bare")
	defer bare.Close()
	if _, err := OpenSegments(bare, bare); !errors.Is(err, ErrLayout) || !strings.Contains(err.Error(), "seals are 0x0, want 0x17") {
		t.Errorf("no seals: %v", err)
	}
}

func TestCreateRefuses(t *testing.T) {
	for _, g := range []Geometry{
		{}, {Lanes: 65, RingSlots: 64, ExchangeSlots: 16, ArenaUnits: 128}, {Lanes: 1, RingSlots: 48, ExchangeSlots: 8, ArenaUnits: 64},
		{Lanes: 1, RingSlots: 64, ExchangeSlots: 16, ArenaUnits: 63}, {Lanes: 1, RingSlots: 64, ExchangeSlots: 0, ArenaUnits: 64},
		{Lanes: 1, RingSlots: 64, ExchangeSlots: 16, ArenaUnits: 64},
	} {
		if _, err := CreateSegments(1, g); err == nil {
			t.Errorf("%+v was accepted", g)
		}
	}
}

func TestHeadroom(t *testing.T) {
	write := func(root, name, text string) {
		p := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	const mib = 1 << 20
	for _, c := range []struct {
		name  string
		files map[string]string
		fits  bool
	}{
		{"nothing known", nil, true},
		{"available", map[string]string{"proc/meminfo": "MemFree: 1 kB\nMemAvailable: 204800 kB\n"}, true},
		{"not available", map[string]string{"proc/meminfo": "MemAvailable: 102400 kB\n"}, false},
		{"v2 free", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "209715200\n", "sys/fs/cgroup/a/memory.current": "1048576\n"}, true},
		{"v2 full above", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "209715200\n", "sys/fs/cgroup/a/memory.current": "199715200\n"}, false},
		{"v2 full of cache", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "209715200\n", "sys/fs/cgroup/a/memory.current": "199715200\n", "sys/fs/cgroup/a/memory.stat": "anon 5\ninactive_file 190000000\n"}, true},
		{"v2 root of a namespace", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "100\n", "sys/fs/cgroup/memory.current": "99\n"}, false},
		{"v1 full", map[string]string{"proc/self/cgroup": "9:cpu:/x\n4:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "104857600\n", "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "94857600\n"}, false},
		{"v1 without limit", map[string]string{"proc/self/cgroup": "4:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/x/memory.usage_in_bytes": "94857600\n"}, true},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			write(root, name, text)
		}
		err := checkHeadroom(root, 100*mib)
		if (err == nil) != c.fits || err != nil && !errors.Is(err, ErrNoMemory) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
