//go:build !static

package native

// #cgo pkg-config: libuv
import "C"
