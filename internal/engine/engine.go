// Package engine says what the Go half of the gateway and its native half tell each other. It holds plain types only,
// so that everything around the engine is built and tested without a C compiler.
package engine

import (
	"time"

	"ringway/ring"
)

// Config is what the native half is made with.
type Config struct {
	// Loops is the number of event-loop threads, and of lanes per worker.
	Loops int
	// NativePaths are answered by the gateway itself: path to body.
	NativePaths map[string]string
	// ServerName is the Server header; empty leaves it out.
	ServerName string
	// ParkLimit is how many requests each loop may hold while no worker can take them.
	ParkLimit int
	// QueueDeadline is how long a request may wait for a worker or for a handler to start.
	QueueDeadline time.Duration
	// Spin is how long a loop waits for an answer before it sleeps; 0 is not at all.
	Spin time.Duration
	// PipelineDepth is how many requests of one connection may be in a worker together.
	PipelineDepth int
	// MaxBody is the largest request body in bytes.
	MaxBody int64
	// HeadTimeout is for a whole request head, from its first byte, or from the beginning of the connection for its first
	// one. 0, here and below, is without end.
	HeadTimeout time.Duration
	// IdleTimeout is for a connection between two requests.
	IdleTimeout time.Duration
	// BodyTimeout is for the next byte of a request body while the gateway is reading.
	BodyTimeout time.Duration
	// BodyRate is the bytes a second that a request body must have on average, after one BodyTimeout.
	BodyRate int
	// SendTimeout is for a client to take a byte of its answer.
	SendTimeout time.Duration
	// LineBytes, HeadBytes and Fields bound the request line, all header fields together and their number.
	LineBytes, HeadBytes, Fields int
}

// Attachment gives the engine the segments of one worker.
type Attachment struct {
	// Worker is the gateway's number for this attachment, never reused.
	Worker uint64
	// Inbound and Outbound stay mapped until Notice Released.
	Inbound, Outbound []byte
	Geometry          ring.Geometry
	// Sockets are the gateway's ends of the wake-up socket pairs, one per lane; they belong to the engine
	// once it has accepted the attachment.
	Sockets []int
}

// NoticeKind says what a Notice is about.
type NoticeKind int

const (
	// Violation: the worker broke the rules of the ring and has to be ended. Text says how.
	Violation NoticeKind = iota + 1
	// Idle: the last exchange of a draining worker has ended.
	Idle
	// Released: nothing refers to the segments of a detached worker any more.
	Released
	// Quiet: no connection is left after StopAccepting.
	Quiet
	// Refused: a malformed request of Client was refused with Status. Text is the reason, without bytes of the request.
	Refused
)

// Notice is something the native half noticed.
type Notice struct {
	Kind   NoticeKind
	Worker uint64
	Text   string
	Client string
	Status int
}
