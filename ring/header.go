package ring

import (
	"errors"
	"fmt"
)

// ErrLayout is wrapped by every refusal of a segment whose header does not match this build.
var ErrLayout = errors.New("ring: segment does not match")

// WriteHeader fills in the header of a fresh segment, the magic last, so that a reader of a half-written header
// refuses it.
func WriteHeader(memory []byte, kind uint32, workerID uint64, g Geometry) {
	h := headerAt(memory)
	h.LayoutVersion = LayoutVersion
	h.Kind = kind
	h.SegmentSize = uint64(len(memory))
	h.Features = Features
	h.LaneCount = uint32(g.Lanes)
	h.RingSlots = uint32(g.RingSlots)
	h.ExchangeSlots = uint32(g.ExchangeSlots)
	h.ArenaUnits = uint32(g.ArenaUnits)
	h.WorkerID = workerID
	wordAt(memory, 0).Store(Magic)
}

// ReadHeader checks the header of a segment of the given kind and gives its geometry and the gateway's number for the
// attachment. Errors wrap [ErrLayout] and name the value found and the one expected.
func ReadHeader(memory []byte, kind uint32) (Geometry, uint64, error) {
	if len(memory) < Page {
		return Geometry{}, 0, fmt.Errorf("%w: %d bytes, want at least %d", ErrLayout, len(memory), Page)
	}
	if magic := wordAt(memory, 0).Load(); magic != Magic {
		return Geometry{}, 0, fmt.Errorf("%w: magic is %#x, want %#x", ErrLayout, magic, Magic)
	}
	h := *headerAt(memory)
	if h.LayoutVersion != LayoutVersion {
		return Geometry{}, 0, fmt.Errorf("%w: layout version is %d, want %d", ErrLayout, h.LayoutVersion, LayoutVersion)
	}
	if h.Kind != kind {
		return Geometry{}, 0, fmt.Errorf("%w: kind is %d, want %d", ErrLayout, h.Kind, kind)
	}
	if h.Features&^Features != 0 {
		return Geometry{}, 0, fmt.Errorf("%w: features are %#x, only %#x are known", ErrLayout, h.Features, Features)
	}
	g := Geometry{int(h.LaneCount), int(h.RingSlots), int(h.ExchangeSlots), int(h.ArenaUnits)}
	if err := g.Validate(); err != nil {
		return Geometry{}, 0, fmt.Errorf("%w: %w", ErrLayout, err)
	}
	want := g.InboundSize()
	if kind == KindOutbound {
		want = g.OutboundSize()
	}
	if h.SegmentSize != uint64(want) || len(memory) != want {
		return Geometry{}, 0, fmt.Errorf("%w: the header says %d bytes, the file has %d, its geometry needs %d",
			ErrLayout, h.SegmentSize, len(memory), want)
	}
	return g, h.WorkerID, nil
}
