package ring

import (
	"errors"
	"fmt"
	"os"

	mmap "github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

// WorkerSegments are the two segments as the worker holds them: inbound read-only, outbound writable.
type WorkerSegments struct {
	Geometry Geometry
	WorkerID uint64
	inbound  []byte
	outbound []byte
}

// OpenSegments maps the descriptors that came with ATTACH and checks seals, sizes and headers before anything in them
// is used. The files may be closed afterwards. Errors name the value found and the one expected.
func OpenSegments(inbound, outbound *os.File) (*WorkerSegments, error) {
	s := &WorkerSegments{}
	var err error
	if s.inbound, err = openSegment(inbound, mmap.RDONLY, inboundSeals); err != nil {
		return nil, fmt.Errorf("inbound segment: %w", err)
	}
	if s.outbound, err = openSegment(outbound, mmap.RDWR, outboundSeals); err != nil {
		return nil, errors.Join(fmt.Errorf("outbound segment: %w", err), s.Close())
	}
	if err := s.readHeaders(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *WorkerSegments) readHeaders() error {
	g, id, err := ReadHeader(s.inbound, KindInbound)
	if err != nil {
		return fmt.Errorf("inbound segment: %w", err)
	}
	other, otherID, err := ReadHeader(s.outbound, KindOutbound)
	if err != nil {
		return fmt.Errorf("outbound segment: %w", err)
	}
	if g != other || id != otherID {
		return fmt.Errorf("%w: inbound is %+v of worker %d, outbound %+v of worker %d", ErrLayout, g, id, other, otherID)
	}
	s.Geometry, s.WorkerID = g, id
	return nil
}

func openSegment(f *os.File, protection, seals int) ([]byte, error) {
	// Without the size seals the gateway could shrink the file under the mapping (SIGBUS).
	got, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, fmt.Errorf("ring: F_GET_SEALS: %w", err)
	}
	if got&seals != seals {
		return nil, fmt.Errorf("%w: seals are %#x, want %#x", ErrLayout, got, seals)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return nil, fmt.Errorf("ring: fstat: %w", err)
	}
	limit := int64(Geometry{Lanes: MaxLanes, RingSlots: 16 * MaxExchanges, ExchangeSlots: MaxExchanges, ArenaUnits: MaxArenaUnits}.OutboundSize())
	if stat.Size < Page || stat.Size > limit {
		return nil, fmt.Errorf("%w: %d bytes, want %d to %d", ErrLayout, stat.Size, Page, limit)
	}
	memory, err := mmap.MapRegion(f, int(stat.Size), protection, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("ring: mmap: %w", err)
	}
	return memory, nil
}

// Lane is the worker's end of lane i. Call it once per lane: it starts from fresh indexes.
func (s *WorkerSegments) Lane(i int) *WorkerLane {
	return NewWorkerLane(s.Geometry, s.Geometry.InboundLane(s.inbound, i), s.Geometry.OutboundLane(s.outbound, i))
}

// Close drops the mappings; no lane and no borrowed view may be used any more.
func (s *WorkerSegments) Close() error {
	return errors.Join(unmap(&s.inbound), unmap(&s.outbound))
}
