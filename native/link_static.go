//go:build static

package native

// The key of Go's build cache holds the names of the files and not what pkg-config prints: as a condition in one file
// (#cgo static pkg-config) this would be linked with what the last build was, static or not.

// #cgo pkg-config: libuv-static
import "C"
