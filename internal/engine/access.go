package engine

import (
	"net/netip"
	"time"
)

// AccessOrigin says who gave an answer.
type AccessOrigin uint8

// Origins, by their numbers in native/access_record.h.
const (
	ByGateway AccessOrigin = iota // a refusal, or that no worker could answer
	ByNativePath
	ByStaticFile
	ByWorker
)

// AccessEnd says how a request ended.
type AccessEnd uint8

// Ends, by their numbers in native/access_record.h.
const (
	Complete   AccessEnd = iota // all of the answer was handed to the kernel
	ClientGone                  // the client closed the connection, or took nothing for too long
	Cut                         // the gateway ended it
)

// AccessRecord is what the access log tells of a request. Texts are bytes of the client; they are nil where no head was
// understood, and cut off where they are very long.
type AccessRecord struct {
	Start  int64          // nanoseconds since 1970: the head was complete
	Client netip.AddrPort // the zero value for a unix socket

	RequestID, Method, Target, Host, Referer, UserAgent []byte

	Version uint8 // major * 16 + minor; 0: no head was understood
	Status  int   // 0: no answer was begun
	Worker  uint64
	Origin  AccessOrigin
	End     AccessEnd
	// Retried: a second worker got the request after the first had died with it.
	Retried bool
	// Shortened: a text was cut off.
	Shortened bool

	// Received is bytes of the request's body, Sent of the answer, SentBody of what followed its head.
	Received, Sent, SentBody uint64

	// Queue is the time from Start until the handler started, Handler from there until the head of the answer was with
	// the gateway; -1 where it is not known. Total is the time from Start until the last byte was handed to the kernel.
	Queue, Handler, Total time.Duration
}

// AccessSource gives the records of all loops. Its methods are safe for concurrent use, also after the engine's end, but
// Take has one caller at a time.
type AccessSource interface {
	// Take passes the records that wait to add. A record and its texts are valid during the call only.
	Take(add func(*AccessRecord))
	// Wake gets a value when much is waiting.
	Wake() <-chan struct{}
	// Dropped counts the records for which there was no room, because Take was not called for too long.
	Dropped() uint64
}
