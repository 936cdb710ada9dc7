// Package layout tests that C and Go mean the same by the shared memory: it compares native/ring_layout.h with package
// ring by debug information, constants and derived offsets by generated programs, and lets each side read segments that
// the other has written (testdata, rewritten by `go test ./test/layout -update`).
//
// It needs gcc; without it the tests fail.
package layout
