// Package engine says what the Go half of the gateway and its native half tell each other. It holds plain types only,
// so that everything around the engine is built and tested without a C compiler.
package engine

import (
	"net/netip"
	"time"

	"ringway/ring"
)

// Config is what the native half is made with. Zero values are not replaced by defaults.
type Config struct {
	// Loops is the number of event-loop threads, and of lanes per worker.
	Loops int
	// Spin is how long a loop waits for an answer before it sleeps; 0 is not at all.
	Spin time.Duration
	// AccessLog is whether there are access records to be had.
	AccessLog bool
	// Settings are those to begin with.
	Settings Settings
}

// Settings are what can change while the engine runs. Limits and times of 0 are without end unless stated.
type Settings struct {
	// NativePaths are answered by the gateway itself: path to body.
	NativePaths map[string]string
	// StaticSites are directories whose files the gateway serves itself.
	StaticSites []StaticSite
	// StaticIndex is the name of the file that stands for its directory.
	StaticIndex string
	// StaticCache is the Cache-Control of files; empty leaves it out.
	StaticCache string
	// MediaTypes are those of files by the extension of their names, in lower case and without a dot.
	MediaTypes map[string]string
	// ServerName is the Server header; empty leaves it out.
	ServerName string

	// MaxConnections is how many connections may be open, and ClientConnections how many of them from one client: an
	// IPv4 address or an IPv6 /64.
	MaxConnections, ClientConnections int
	// MaxRequests is how many requests a connection may carry.
	MaxRequests int
	// PipelineDepth is how many requests of one connection may be in a worker together, 1 to 256.
	PipelineDepth int
	// InFlight is how many requests a worker may have, an equal share of them from each loop.
	InFlight int
	// ParkLimit is how many requests each loop may hold while no worker can take them; 0 is none.
	ParkLimit int

	// QueueDeadline is how long a request may wait for a worker or for a handler to start.
	QueueDeadline time.Duration
	// StuckAfter is how long a worker may take no event while some wait, before its requests go to others.
	StuckAfter time.Duration
	// RequestTimeout is how long a request may take until its answer begins.
	RequestTimeout time.Duration
	// HeadTimeout is for a whole request head, from its first byte, or from the beginning of the connection for its first
	// one.
	HeadTimeout time.Duration
	// IdleTimeout is for a connection between two requests.
	IdleTimeout time.Duration
	// UpgradeIdle is for a connection that speaks another protocol: until the next byte either way.
	UpgradeIdle time.Duration
	// BodyTimeout is for the next byte of a request body while the gateway is reading.
	BodyTimeout time.Duration
	// BodyRate is the bytes a second that a request body must have on average, after one BodyTimeout.
	BodyRate int
	// SendTimeout is for a client to take a byte of its answer.
	SendTimeout time.Duration
	// SendRate is the bytes a second that a client must take on average while some wait, after one SendTimeout.
	SendRate int

	// MaxBody is the largest request body in bytes; 0 allows none.
	MaxBody int64
	// LineBytes, HeadBytes and Fields bound the request line, all header fields together and their number.
	LineBytes, HeadBytes, Fields int
	// KeepUnderscores passes header fields on whose names hold an underscore. A CGI-like environment takes
	// X_Forwarded_For for X-Forwarded-For.
	KeepUnderscores bool

	// Trusted are the networks whose peers may speak for others: in X-Forwarded-*, X-Real-Ip, Forwarded and X-Request-Id,
	// which are dropped from all others. IPv4 networks also have the IPv4-mapped IPv6 addresses. If there are any, only
	// they may connect to listeners for proxies. TrustUnix is the same for peers on unix sockets.
	Trusted   []netip.Prefix
	TrustUnix bool
	// RequestIDs gives each request an X-Request-Id, unless a trusted peer did.
	RequestIDs bool
}

// StaticSite serves the files below Directory for paths that are Prefix or begin with Prefix and "/". A Prefix of ""
// is for all paths; the longest one wins.
type StaticSite struct{ Prefix, Directory string }

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

// Request is one in flight.
type Request struct {
	Loop    int           `json:"loop"`
	Age     time.Duration `json:"age_ns"`            // since its head was complete
	State   string        `json:"state"`             // parked, queued, running, answering, sending
	Worker  uint64        `json:"worker,omitempty"`  // that got it last
	Retried bool          `json:"retried,omitempty"` // another worker died with it
	// Method and Path are cut off if they are long, and unknown while SENDING: then the worker has let go of it.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Client string `json:"client,omitempty"` // address and port; "" for a unix socket
}

// NoticeKind says what a Notice is about.
type NoticeKind int

const (
	// Violation: the worker broke the rules of the ring and has to be ended. Text says how.
	Violation NoticeKind = iota + 1
	// Probed: the probe of a Round was answered by the worker on one Loop with Status, or 502 to 504 if there was no answer.
	Probed
	// Stuck: on one Loop the worker takes no events although some wait, or does so again.
	Stuck
	// Idle: the last exchange of a draining worker has ended.
	Idle
	// Released: nothing refers to the segments of a detached worker any more.
	Released
	// Quiet: no connection is left after StopAccepting.
	Quiet
	// Refused: a request or a connection of Client was refused with Status. Text is the reason, without bytes of the
	// request. Skipped is how many more there were since the last such notice.
	Refused
)

// Notice is something the native half noticed.
type Notice struct {
	Kind    NoticeKind
	Worker  uint64
	Loop    int
	Round   uint64 // as Probe was given it
	Text    string
	Client  string // address and port; "" for a unix socket
	Status  int    // 0: the connection was closed without an answer
	Stuck   bool
	Skipped uint64
	// RequestID is that of the request, for logs; empty where none was understood, or requests have none.
	RequestID string
}
