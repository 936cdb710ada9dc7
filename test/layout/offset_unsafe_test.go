package layout

import "unsafe"

// offsetOf is how far a piece of memory starts behind the start of another.
func offsetOf[T any](memory []byte, piece *T) uint64 {
	return uint64(uintptr(unsafe.Pointer(piece)) - uintptr(unsafe.Pointer(unsafe.SliceData(memory))))
}
