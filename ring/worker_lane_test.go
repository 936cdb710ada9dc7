package ring_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"ringway/ring"
	"ringway/ring/ringtest"
)

var small = ring.Geometry{Lanes: 1, RingSlots: 8, ExchangeSlots: 2, ArenaUnits: 64}

// The bytes of an event, its slot and the index words, spelled out.
func TestPublishBytes(t *testing.T) {
	inbound, outbound := ring.AlignedHeap(small.InboundStride()), ring.AlignedHeap(small.OutboundStride())
	l := ring.NewWorkerLane(small, inbound, outbound)
	e := ring.Event{
		Kind: ring.EventResponse, Flags: ring.FlagEnd, Status: 0x1234, Exchange: 1, Generation: 0x01020304, Credit: 5,
		HeadBlock: 6, HeadOffset: 7, HeadLength: 8, BodyBlock: 9, BodyOffset: 10, BodyLength: 11, Total: 12, TimeNs: 13,
	}
	if !l.Publish(&e) {
		t.Fatal("not published")
	}
	want := make([]byte, 64)
	le := binary.LittleEndian
	want[0], want[1] = 16, 1
	le.PutUint16(want[2:], 0x1234)
	for i, v := range []uint32{1, 0x01020304, 5, 6, 7, 8, 0, 9, 10, 11, 0} {
		le.PutUint32(want[4+4*i:], v)
	}
	le.PutUint64(want[48:], 12)
	le.PutUint64(want[56:], 13)
	events := 1024 + 2*64 // behind the words and the claims
	if got := outbound[events : events+64]; !bytes.Equal(got, want) {
		t.Errorf("slot\n%x, want\n%x", got, want)
	}
	if tail := le.Uint64(outbound[128:]); tail != 1 {
		t.Errorf("out_tail %d", tail)
	}
}

func TestTakeBytes(t *testing.T) {
	inbound, outbound := ring.AlignedHeap(small.InboundStride()), ring.AlignedHeap(small.OutboundStride())
	l := ring.NewWorkerLane(small, inbound, outbound)
	var e ring.Event
	if l.Take(&e) || !l.Empty() {
		t.Fatal("an event in an empty ring")
	}
	inbound[1024] = ring.EventCancel
	inbound[1024+4] = 1
	inbound[0] = 1 // in_tail
	if l.Empty() || !l.Take(&e) || e.Kind != ring.EventCancel || e.Exchange != 1 {
		t.Fatalf("%+v", e)
	}
	if outbound[0] != 1 { // in_head
		t.Error("not acknowledged")
	}
	l.Return(0x02000004)
	returns := 1024 + 2*64 + 8*64
	if got := binary.LittleEndian.Uint32(outbound[returns:]); got != 0x02000004 || outbound[256] != 1 {
		t.Errorf("return %#x, in_return_tail %d", got, outbound[256])
	}
}

func TestFullRing(t *testing.T) {
	g, l := ringtest.HeapPair(small)
	e := ring.Event{Kind: ring.EventContinue, HeadBlock: ring.NoBlock, BodyBlock: ring.NoBlock}
	for lap := range 3 {
		for i := range 8 {
			e.Exchange = uint32(i)
			if !l.Publish(&e) {
				t.Fatalf("lap %d: full after %d", lap, i)
			}
		}
		if l.Publish(&e) || l.Room() {
			t.Fatal("nine events in a ring of eight")
		}
		var got ring.Event
		for i := range 8 {
			if !g.Take(&got) || got.Exchange != uint32(i) {
				t.Fatalf("lap %d: %+v", lap, got)
			}
		}
	}
}

func TestStarvedArena(t *testing.T) {
	g, l := ringtest.HeapPair(small)
	var blocks []ring.Handle
	for {
		h, ok := l.Alloc(3)
		if !ok {
			break
		}
		blocks = append(blocks, h)
	}
	if len(blocks) != 8 || l.ReturnsWait() {
		t.Fatalf("%d blocks of 8 KiB in 64", len(blocks))
	}
	l.Starve()
	g.Return(uint32(blocks[5]))
	if !g.SignalDue() || g.WorkerStarved.Load() != 0 {
		t.Error("a starved worker was not signalled")
	}
	if !l.ReturnsWait() {
		t.Error("no return waits")
	}
	if h, ok := l.Alloc(3); !ok || h != blocks[5] || l.Freed() != 1 {
		t.Errorf("got %v %v", h, ok)
	}
}

func TestSignals(t *testing.T) {
	g, l := ringtest.HeapPair(small)
	e := ring.Event{Kind: ring.EventContinue}
	l.Publish(&e)
	if l.SignalDue() {
		t.Error("a signal for a gateway that is awake")
	}
	g.GatewayArmed.Store(1)
	l.Publish(&e)
	l.Publish(&e)
	if !l.SignalDue() || l.SignalDue() || g.GatewayArmed.Load() != 0 {
		t.Error("want one signal for one sleep")
	}
	g.GatewayStarved.Store(1)
	l.Return(0)
	if !l.SignalDue() {
		t.Error("no signal for a starved gateway")
	}
	l.Arm()
	g.Publish(&e)
	if !g.SignalDue() {
		t.Error("no signal for a sleeping worker")
	}
	g.GatewayStarved.Store(1)
	if l.Take(&e); !l.SignalDue() {
		t.Error("no signal for a gateway that waits for ring slots")
	}
}

func TestClaims(t *testing.T) {
	g, l := ringtest.HeapPair(small)
	g.Queue(1, 7)
	if l.Claim(1, 6) || l.Claim(0, 7) {
		t.Error("claimed what was not queued")
	}
	if !l.Claim(1, 7) || l.Claim(1, 7) || g.TakeBack(1, 7) {
		t.Error("want exactly one claim")
	}
	g.Queue(1, 8)
	if !g.TakeBack(1, 8) || l.Claim(1, 8) {
		t.Error("claimed what was taken back")
	}
}

// Impossible words are a fault that names the value, and nothing is touched by them.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*ringtest.Lane, *ring.WorkerLane)
		want  string
	}{
		"in_tail":         {func(g *ringtest.Lane, l *ring.WorkerLane) { g.InTail.Store(9); l.Take(new(ring.Event)) }, "in_tail is 9, want 0 to 8"},
		"out_return_tail": {func(g *ringtest.Lane, l *ring.WorkerLane) { g.OutReturnTail.Store(65); l.DrainReturns() }, "out_return_tail is 65, want 0 to 64"},
		"return":          {func(g *ringtest.Lane, l *ring.WorkerLane) { g.Return(3); l.DrainReturns() }, "block of order 0 at unit 3 came back"},
		"out_head": {func(g *ringtest.Lane, l *ring.WorkerLane) {
			g.OutHead.Store(1 << 40)
			for range 9 {
				l.Publish(new(ring.Event))
			}
		}, "out_head is 1099511627776, want 0 to 8"},
	} {
		g, l := ringtest.HeapPair(small)
		c.spoil(g, l)
		if err := l.Fault(); !errors.Is(err, ring.ErrFault) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestCheckRef(t *testing.T) {
	_, l := ringtest.HeapPair(small)
	block := uint32(ring.MakeHandle(4, 2))
	for _, good := range []ring.Ref{ring.NoRef, {Block: block, Offset: 4096, Length: 4096}, {Block: block, Offset: 8192}} {
		if err := l.CheckInbound(good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []ring.Ref{
		{Block: block, Offset: 4095, Length: 1}, {Block: block, Offset: 4096, Length: 4097}, {Block: block, Offset: 0xffffffff, Length: 2},
		{Block: uint32(ring.MakeHandle(3, 2)), Offset: 3072}, {Block: uint32(ring.MakeHandle(64, 0)), Offset: 65536},
		{Block: 7 << 24}, {Block: ring.NoBlock, Offset: 1}, {Block: ring.NoBlock, Length: 1},
	} {
		if err := l.CheckInbound(bad); !errors.Is(err, ring.ErrFault) {
			t.Errorf("%+v was accepted", bad)
		}
	}
}
