package envmap

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// LengthUnknown is the Length of a [ResponseHead] whose body length is not known beforehand.
const LengthUnknown int64 = -1

// Field is one line of a response head. Name is a valid token in any case, Value holds no CR, LF or NUL.
type Field struct {
	Name, Value string
}

// ResponseHead is what an [Exchange] gets to know about a response before its body. The slice is borrowed: it is valid
// during the call only. Content-Length is never among the Fields; Length stands for it.
type ResponseHead struct {
	Status int    // 200..999
	Reason string // empty, or a phrase the application chose (RFC 9112, 4; at most ring.ReasonBytes bytes); protocols without one ignore it
	Fields []Field
	Length int64 // bytes of the body, for HEAD those of the body a GET would get; LengthUnknown if not known

	// Cancel, if there is one, is what the Context is to be cancelled with: why this is the Env's own 500, or that the
	// application has given up its Upgrade.
	Cancel error
}

// File is what of an *os.File is needed to send a part of it.
type File interface {
	io.ReaderAt
	Stat() (fs.FileInfo, error)
}

// Stream is the connection of an exchange that was answered 101: bytes as they are, in both directions. Its methods may be
// called by any goroutine. It outlives the Runner's Run and the Env, and ends by Close. Reads and writes fail once the
// Exchange's Context is cancelled, and with os.ErrDeadlineExceeded behind their deadlines. That of package bridge is a
// net.Conn, too.
type Stream interface {
	io.ReadWriteCloser
	// CloseWrite ends what is written; the client can still send.
	CloseWrite() error
	SetDeadline(t time.Time) error
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Exchange is one request and its response as an Env sees them. A Runner makes the calls in this order:
//
//	RequestBlock, then any number of Context and RequestBody, then either
//	  Send                                                      the whole response at once, or
//	  Begin, any number of Write, Reserve+Commit, SendFile,
//	  Flush, then Finish                                        the response in pieces, or
//	  Upgrade                                                   101, and a Stream from then on, or
//	  Abort                                                     at any point, also after one of the others failed.
//
// Exactly one successful Send, Finish or Upgrade, or else one Abort, is the last call on the response side; it is made
// after the App has returned. The response side is called by one goroutine at a time, not always the same one; reads of
// the request body may run beside it. A Runner that has returned makes no more calls and holds no memory of the Exchange.
//
// A head with a status that has no body (204, 304), and an answer to HEAD, come with an empty body: the Env has
// swallowed what the App wrote.
type Exchange interface {
	// RequestBlock returns the request block (struct ring_request_head and what follows it). It stays as it is until
	// the last call begins; the Env does not touch it after that.
	RequestBlock() []byte

	// Context is cancelled when the client is gone, the gateway gave up, the worker must stop or the application failed;
	// not by a successful end.
	Context() context.Context

	// RequestBody returns the body, never nil. A Read that runs when the last call is made returns an error soon.
	RequestBody() io.Reader

	// Send sends head and body and ends the exchange. head.Length is len(body), except where the body was swallowed.
	// body is borrowed during the call.
	Send(head *ResponseHead, body []byte) error

	// Begin fixes status and fields. It need not reach the client before the first Write, Commit, Flush or Finish.
	Begin(head *ResponseHead) error

	// Write copies p into the response body. It blocks while the exchange has no window, and may hold bytes back until
	// Flush, Finish or until a block is full. The Env keeps the sum within head.Length.
	Write(p []byte) (int, error)

	// Reserve returns at least one and at most n bytes of response memory to be filled in place; it blocks while there
	// is no window. The next response call must be Commit with the number of bytes filled, which may be 0.
	Reserve(n int) ([]byte, error)

	// Commit makes the first n reserved bytes part of the body. Like Write, it may hold them back until Flush.
	Commit(n int) error

	// SendFile makes count bytes of file, from offset on, the next part of the body; its position is neither used nor
	// moved. An *os.File may be sent by its descriptor, another File is read. The Env keeps offset and count at 0 or
	// above, and the sum within head.Length. It returns when nobody uses the file any more: when its bytes are with the
	// client's connection, or when ctx (besides Context, which may be the same) is done. A file that has fewer bytes is an
	// error. After an error the response cannot be completed.
	SendFile(ctx context.Context, file File, offset, count int64) error

	// Flush sends the head and all bytes held back.
	Flush() error

	// Finish sends what is held back and ends the exchange well. If head.Length was known, that many bytes were given.
	Finish() error

	// Upgrade answers 101 with head.Fields, of which Upgrade names the protocol, and gives the connection behind it; of
	// the rest only Reason has a meaning. The error wraps ErrUpgrade if the client does not offer another protocol (the request
	// block says so by ring.RequestUpgrade); after any error the exchange can still be answered or aborted. It waits for
	// the end of the request's body, what was not read of which is lost. After it Context goes on as long as the Stream;
	// the request block stays until the Stream is closed.
	Upgrade(head *ResponseHead) (Stream, error)

	// Abort ends the exchange badly: the client gets a 500 if nothing was sent, else a connection cut short. cause is for
	// the log.
	Abort(cause error)
}
