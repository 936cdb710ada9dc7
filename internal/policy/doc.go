// Package policy holds the project's rules about its own source as tests: where unsafe and cgo may appear, which
// packages must build without cgo, how large a file may be, and that nothing is skipped or left for later.
//
// It has no code of its own; `go test ./internal/policy` reads the source tree above it.
package policy
