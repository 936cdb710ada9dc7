package ring

import (
	"errors"
	"fmt"
	"os"

	mmap "github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"
)

// Segments are the two files of one worker, as the gateway holds them.
type Segments struct {
	Geometry Geometry
	// Inbound and Outbound are mapped readable and writable.
	Inbound, Outbound []byte
	// InboundFile and OutboundFile are passed on to the worker; they may be closed while the mappings stay.
	InboundFile, OutboundFile *os.File
}

// Seals of each segment: its size is fixed, and nobody but who has mapped it already may ever write to inbound.
const (
	outboundSeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	inboundSeals  = outboundSeals | unix.F_SEAL_FUTURE_WRITE
)

// CreateSegments makes, fills in and seals the segments of a worker. It refuses with [ErrNoMemory] when a memory
// control group or the machine has not got the room: allocation inside a full group ends the process instead.
func CreateSegments(workerID uint64, g Geometry) (*Segments, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	if err := checkHeadroom("/", uint64(g.InboundSize())+uint64(g.OutboundSize())); err != nil {
		return nil, err
	}
	s := &Segments{Geometry: g}
	var err error
	s.InboundFile, s.Inbound, err = createSegment("ringway-inbound", KindInbound, workerID, g, g.InboundSize(), inboundSeals)
	if err == nil {
		s.OutboundFile, s.Outbound, err = createSegment("ringway-outbound", KindOutbound, workerID, g, g.OutboundSize(), outboundSeals)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func createSegment(name string, kind uint32, workerID uint64, g Geometry, size, seals int) (*os.File, []byte, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, fmt.Errorf("ring: memfd_create %s: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	memory, err := fillSegment(f, fd, kind, workerID, g, size, seals)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("ring: %s of %d bytes: %w", name, size, err), f.Close())
	}
	return f, memory, nil
}

func fillSegment(f *os.File, fd int, kind uint32, workerID uint64, g Geometry, size, seals int) ([]byte, error) {
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		return nil, fmt.Errorf("ftruncate: %w", err)
	}
	// In full, so that no later write can meet a lack of memory (SIGBUS).
	if err := unix.Fallocate(fd, 0, 0, int64(size)); err != nil {
		return nil, fmt.Errorf("fallocate: %w", err)
	}
	memory, err := mmap.MapRegion(f, size, mmap.RDWR, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	WriteHeader(memory, kind, workerID, g)
	// After the mapping and all at once: SEAL would make a later call fail, FUTURE_WRITE the mapping.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, errors.Join(fmt.Errorf("F_ADD_SEALS %#x: %w", seals, err), memory.Unmap())
	}
	return memory, nil
}

// Unmap drops the mappings; nothing may refer to them any more (L6).
func (s *Segments) Unmap() error {
	err := errors.Join(unmap(&s.Inbound), unmap(&s.Outbound))
	return err
}

// Close drops the mappings and closes both files.
func (s *Segments) Close() error {
	return errors.Join(s.Unmap(), s.CloseFiles())
}

// CloseFiles closes both files; the mappings stay.
func (s *Segments) CloseFiles() error {
	return errors.Join(closeFile(&s.InboundFile), closeFile(&s.OutboundFile))
}

func unmap(memory *[]byte) error {
	if *memory == nil {
		return nil
	}
	m := mmap.MMap(*memory)
	*memory = nil
	return m.Unmap()
}

func closeFile(f **os.File) error {
	if *f == nil {
		return nil
	}
	old := *f
	*f = nil
	return old.Close()
}
