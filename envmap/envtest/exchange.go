package envtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"

	"ringway/envmap"
	"ringway/ring"
)

// ErrBodyEnded is what a read of the request body returns after the exchange has ended.
var ErrBodyEnded = errors.New("envtest: the exchange has ended")

// Exchange is an envmap.Exchange that records. It holds its caller to the order of calls that envmap.Exchange
// promises, by panics. Its response may be looked at when Runner.Run has returned.
type Exchange struct {
	Status  int
	Reason  string
	Fields  []envmap.Field
	Length  int64 // as announced; envmap.LengthUnknown if it was not
	Body    []byte
	Whole   bool  // it came in one Send
	Flushed []int // length of Body at each Flush
	Files   int   // calls of SendFile
	Cancel  error // what the context was to be cancelled with
	Aborted error // what Abort was called with

	// Peer is the client's end of the connection after Upgrade, nil before it.
	Peer net.Conn

	// FailAt makes the response fail with io.ErrClosedPipe once the body has that many bytes; 0: never.
	FailAt int

	ctx      context.Context
	block    []byte
	body     endingReader
	reserved []byte
	begun    bool
	calls    atomic.Int32 // response calls that run
	ended    bool
}

// NewExchange returns the exchange of r; ctx stands for the client's patience.
func NewExchange(ctx context.Context, r Request) *Exchange {
	x := &Exchange{ctx: ctx, block: r.Block(), Length: envmap.LengthUnknown}
	x.body.r = r.Body
	if r.Body == nil {
		x.body.r = strings.NewReader("")
	}
	return x
}

// NewExchangeOf returns an exchange with any bytes as its request block.
func NewExchangeOf(block []byte) *Exchange {
	x := NewExchange(context.Background(), Request{})
	x.block = block
	return x
}

// Do runs app for one request and returns what became of it, with the result of Runner.Run.
func Do(app envmap.App, r Request) (*Exchange, error) {
	x := NewExchange(context.Background(), r)
	return x, envmap.NewRunner(app).Run(x)
}

// Header returns the first value of a response field, "" if there is none.
func (x *Exchange) Header(name string) string {
	for _, f := range x.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Ended says whether the last call was made.
func (x *Exchange) Ended() bool { return x.ended }

// Clean says whether the exchange ended without an Abort.
func (x *Exchange) Clean() bool { return x.ended && x.Aborted == nil }

// RequestBlock implements envmap.Exchange.
func (x *Exchange) RequestBlock() []byte {
	x.mustLive("RequestBlock")
	return x.block
}

// Context implements envmap.Exchange.
func (x *Exchange) Context() context.Context { return x.ctx }

// RequestBody implements envmap.Exchange.
func (x *Exchange) RequestBody() io.Reader { return &x.body }

// Send implements envmap.Exchange.
func (x *Exchange) Send(head *envmap.ResponseHead, body []byte) error {
	defer x.call("Send", false)()
	if x.FailAt > 0 {
		return io.ErrClosedPipe
	}
	x.take(head)
	x.Body = append(x.Body, body...)
	x.Whole = true
	x.end()
	return nil
}

// Begin implements envmap.Exchange.
func (x *Exchange) Begin(head *envmap.ResponseHead) error {
	defer x.call("Begin", false)()
	x.take(head)
	x.begun = true
	return nil
}

// Write implements envmap.Exchange.
func (x *Exchange) Write(p []byte) (int, error) {
	defer x.call("Write", true)()
	return len(p), x.add(p)
}

// Reserve implements envmap.Exchange; it gives less than was asked for, as a gateway with a small window does.
func (x *Exchange) Reserve(n int) ([]byte, error) {
	defer x.call("Reserve", true)()
	if x.FailAt > 0 && len(x.Body) >= x.FailAt {
		return nil, io.ErrClosedPipe
	}
	x.reserved = make([]byte, min(n, 1000))
	return x.reserved, nil
}

// Commit implements envmap.Exchange.
func (x *Exchange) Commit(n int) error {
	if x.reserved == nil {
		panic("envtest: Commit without Reserve")
	}
	p := x.reserved[:n]
	x.reserved = nil
	defer x.call("Commit", true)()
	return x.add(p)
}

// SendFile implements envmap.Exchange.
func (x *Exchange) SendFile(ctx context.Context, file envmap.File, offset, count int64) error {
	defer x.call("SendFile", true)()
	if offset < 0 || count < 0 {
		panic(fmt.Sprintf("envtest: SendFile of %d bytes from %d on", count, offset))
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	p, err := io.ReadAll(io.NewSectionReader(file, offset, count))
	if err == nil && int64(len(p)) < count {
		err = io.ErrUnexpectedEOF
	}
	x.Files++
	return errors.Join(err, x.add(p))
}

// Flush implements envmap.Exchange.
func (x *Exchange) Flush() error {
	defer x.call("Flush", true)()
	x.Flushed = append(x.Flushed, len(x.Body))
	return nil
}

// Finish implements envmap.Exchange.
func (x *Exchange) Finish() error {
	defer x.call("Finish", true)()
	if x.Length >= 0 && len(x.Body) > 0 && int64(len(x.Body)) != x.Length {
		panic(fmt.Sprintf("envtest: Finish after %d bytes of %d", len(x.Body), x.Length))
	}
	x.end()
	return nil
}

// Upgrade implements envmap.Exchange; the other end is Peer. Without Request.Upgrade it fails with envmap.ErrUpgrade.
func (x *Exchange) Upgrade(head *envmap.ResponseHead) (envmap.Stream, error) {
	defer x.call("Upgrade", false)()
	block, err := ring.ParseRequest(x.block)
	if err != nil {
		return nil, err
	}
	if block.Flags()&ring.RequestUpgrade == 0 {
		return nil, envmap.ErrUpgrade
	}
	x.take(head)
	ours, theirs := net.Pipe()
	x.Peer = theirs
	x.end()
	return pipeStream{ours}, nil
}

// pipeStream is a Stream of which both directions end at once.
type pipeStream struct{ net.Conn }

func (s pipeStream) CloseWrite() error { return s.Close() }

// Abort implements envmap.Exchange.
func (x *Exchange) Abort(cause error) {
	x.mustLive("Abort")
	if cause == nil {
		panic("envtest: Abort without a cause")
	}
	x.Aborted = cause
	x.end()
}

func (x *Exchange) take(head *envmap.ResponseHead) {
	x.Status, x.Reason, x.Length, x.Cancel = head.Status, head.Reason, head.Length, head.Cancel
	x.Fields = slices.Clone(head.Fields)
}

func (x *Exchange) add(p []byte) error {
	if x.FailAt > 0 && len(x.Body)+len(p) > x.FailAt {
		return io.ErrClosedPipe
	}
	x.Body = append(x.Body, p...)
	return nil
}

// call checks the order of response calls and that no two run at once; what it returns ends the call.
func (x *Exchange) call(name string, afterBegin bool) func() {
	x.mustLive(name)
	switch {
	case x.begun != afterBegin:
		panic("envtest: " + name + " before Begin, or after it")
	case x.reserved != nil:
		panic("envtest: " + name + " between Reserve and Commit")
	case x.calls.Add(1) != 1:
		panic("envtest: " + name + " beside another response call")
	}
	return func() { x.calls.Add(-1) }
}

func (x *Exchange) mustLive(name string) {
	if x.ended {
		panic("envtest: " + name + " after the last call")
	}
}

// end makes the block unreadable, as recycled memory is, and reads of the body fail.
func (x *Exchange) end() {
	x.ended = true
	x.body.end()
	for i := range x.block {
		x.block[i] = 0xEE
	}
}

// endingReader fails once the exchange has ended, also a read that is waiting for something else than its reader.
type endingReader struct {
	r     io.Reader
	ended atomic.Bool
}

func (b *endingReader) Read(p []byte) (int, error) {
	if b.ended.Load() {
		return 0, ErrBodyEnded
	}
	return b.r.Read(p)
}

func (b *endingReader) end() {
	b.ended.Store(true)
	if c, ok := b.r.(io.Closer); ok {
		_ = c.Close()
	}
}

var _ envmap.Exchange = (*Exchange)(nil)
