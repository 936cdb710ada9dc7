// Package ring is the Go side of the shared memory between the gateway and a worker: its layout, the two segments of a
// worker, and the worker's ends of every ring in them.
//
// native/ring_layout.h declares the memory; layout.go mirrors it by hand and a test compares both by debug
// information. The rules (L1 to L7) are written in docs/design.md.
//
// # Who may call what
//
// A [WorkerLane] has one consumer and one producer at a time; it does no locking of its own. Its methods say which of
// the two roles they need. Words of the peer are loaded once, compared with the lane's own geometry and private copies,
// and only then used; a value that cannot be true is kept as the lane's fault, see [WorkerLane.Fault].
//
// Everything works on plain []byte regions, so that tests run both ends in one process on heap memory, where the race
// detector sees them.
package ring
