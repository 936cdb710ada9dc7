// Package approutes are the routes of the example worker, as an http.Handler and as an environment App. Both give the
// same answers; tests and benchmarks rely on them, also where the handler is served by something else. What an
// environment has no words for is there for the handler alone.
//
//	/                    13 bytes, "Hello, World!"
//	/json                a small object
//	/echo                the request body with its content type, as it comes in
//	/bytes?n=N           N bytes of a pattern; with &copy=none filled in where the server has the memory
//	/upload              number and SHA-256 of the body's bytes, as JSON
//	/sleep?ms=N          an answer after N milliseconds
//	/stream?n=N&ms=M     N flushed lines, M milliseconds apart
//	/headers             the request fields, as JSON
//	/env                 the environment: every key with its type and, if it can be told, its value, as JSON
//	/peer                who asks and for what: remote, scheme and host, as JSON
//	/status?code=N       that status
//	/panic               a panic
//	/pid                 process id and release, as JSON
//	/file?name=NAME      a file of the directory that the worker was given; from the handler with ranges and conditions,
//	                     and with &copy=ring read by the worker
//	/file?n=N            handler: N bytes of the pattern as a file that has not changed since 2024, ranges and conditions served
//	/ws                  a WebSocket that echoes messages
//	/opaque              a stream for Upgrade: upper, which comes back in upper case; others are answered 426
//	/trailers            handler: the request body, then its trailer fields and X-Sha256 of it as trailers
//	/hints               handler: 103 with a Link field, then "Hello, World!"
//
// A query value that does not fit is answered with 400 and a line that names it, any other path with 404.
package approutes

import (
	"net/http"
	"os"
	"time"
)

// Options describe the worker that the routes belong to.
type Options struct {
	Release string   // shown by /pid
	Files   *os.Root // of /file?name=NAME; nil: no file is there

	// Blocks gives access to the response memory behind a ResponseWriter, for /bytes&copy=none. Where it is nil, or
	// gives nil, the bytes go through Write.
	Blocks func(http.ResponseWriter) BlockWriter
}

// BlockWriter is response memory to be filled in place: Reserve gives 1 to n bytes, Commit takes the first n of them.
type BlockWriter interface {
	Reserve(n int) ([]byte, error)
	Commit(n int) error
}

const (
	textType   = "text/plain"
	jsonType   = "application/json"
	binaryType = "application/octet-stream"
	helloText  = "Hello, World!"
)

var helloBytes = []byte(helloText)

// Limits of query values.
const (
	mostBytes  = 1 << 30
	mostMillis = 3_600_000
	mostChunks = 1_000_000
)

type greeting struct {
	Message string `json:"message"`
	Count   int    `json:"count"`
	Ready   bool   `json:"ready"`
}

var smallObject = greeting{Message: helloText, Count: 13, Ready: true}

type uploadAnswer struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

type pidAnswer struct {
	PID     int    `json:"pid"`
	Release string `json:"release"`
}

type peerAnswer struct {
	Remote string `json:"remote"` // address and, from a handler, port
	Scheme string `json:"scheme"`
	Host   string `json:"host"`
}

func (o Options) pid() pidAnswer { return pidAnswer{PID: os.Getpid(), Release: o.Release} }

// panicText is what /panic panics with.
const panicText = "asked for by /panic"

// pause waits for d, and says whether it was not cut short by done.
func pause(d time.Duration, done <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-done:
		return false
	}
}
