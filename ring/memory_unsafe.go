package ring

import (
	"sync/atomic"
	"unsafe"
)

// wordAt gives the shared index word at byte off of memory.
// Preconditions: off is a multiple of 8, off+8 <= len(memory), memory starts on 8 bytes (all are checked).
func wordAt(memory []byte, off int) *atomic.Uint64 {
	p := unsafe.Pointer(unsafe.SliceData(memory[off : off+8 : off+8]))
	if uintptr(p)&7 != 0 {
		panic("ring: word not aligned to 8 bytes")
	}
	return (*atomic.Uint64)(p)
}

// eventsAt gives n event slots from byte off of memory.
func eventsAt(memory []byte, off, n int) []Event {
	piece := memory[off : off+n*EventSize]
	return unsafe.Slice((*Event)(unsafe.Pointer(unsafe.SliceData(piece))), n)
}

// handlesAt gives n return-ring entries from byte off of memory.
func handlesAt(memory []byte, off, n int) []uint32 {
	piece := memory[off : off+n*4]
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(piece))), n)
}

// headerAt gives the header at the start of a segment.
func headerAt(memory []byte) *SegmentHeader {
	return (*SegmentHeader)(unsafe.Pointer(unsafe.SliceData(memory[:unsafe.Sizeof(SegmentHeader{})])))
}

// AlignedHeap allocates size bytes that start on a page, for rings without a segment (tests).
func AlignedHeap(size int) []byte {
	words := make([]uint64, (size+Page)/8)
	all := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
	skip := (Page - int(uintptr(unsafe.Pointer(unsafe.SliceData(all)))%Page)) % Page
	return all[skip : skip+size : skip+size]
}
