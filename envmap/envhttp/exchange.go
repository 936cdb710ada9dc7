package envhttp

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"ringway/envmap"
	"ringway/internal/attempt"
	"ringway/internal/requestblock"
	"ringway/ring"
)

// exchange is a request of net/http and its response as an Env sees them.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	cancel context.CancelCauseFunc
	untie  func() bool // ctx from that of net/http
	block  []byte
	spare  []byte
	cut    error // why the connection is to be cut
	reads  atomic.Int32
}

var _ envmap.Exchange = (*exchange)(nil)

func newExchange(w http.ResponseWriter, r *http.Request) (*exchange, error) {
	block, err := requestBlock(r)
	if err != nil {
		return nil, err
	}
	if r.ContentLength != 0 {
		// net/http ends the reading of a body when the response begins, unless it is told. Others refuse to be told.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	x := &exchange{w: w, r: r, block: block}
	// The context of net/http ends with the handler; this one does not end with a success, nor before a stream.
	x.ctx, x.cancel = context.WithCancelCause(context.WithoutCancel(r.Context()))
	x.untie = context.AfterFunc(r.Context(), func() { x.cancel(context.Cause(r.Context())) })
	return x, nil
}

// requestBlock is what the gateway would have made of r.
func requestBlock(r *http.Request) ([]byte, error) {
	head := ring.RequestHead{Version: uint8(r.ProtoMajor<<4 | r.ProtoMinor&15)}
	if r.TLS != nil {
		head.Scheme = 1
	}
	switch {
	case r.ContentLength > 0:
		head.BodyKind, head.ContentLength = ring.BodyLength, uint64(r.ContentLength)
	case r.ContentLength < 0:
		head.BodyKind, head.ContentLength = ring.BodyChunked, ring.LengthUnknown
	}
	if remote, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		head.Remote = requestblock.Endpoint(remote)
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		head.Local = requestblock.Endpoint(local.AddrPort())
	}
	if n, ok := r.Context().Value(attempt.Key{}).(uint8); ok {
		head.Attempt = n
	}
	if offersUpgrade(r) {
		head.Flags = ring.RequestUpgrade
	}
	text := requestblock.Text{
		Method: r.Method, Target: r.RequestURI, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Authority: r.Host,
	}
	if text.Target == "" {
		text.Target = r.URL.RequestURI()
	}
	var fields []requestblock.Field
	if r.Host != "" {
		fields = append(fields, requestblock.Field{Name: "Host", Value: r.Host})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			fields = append(fields, requestblock.Field{Name: name, Value: value})
		}
	}
	return requestblock.Make(head, text, fields)
}

// RequestBlock implements envmap.Exchange.
func (x *exchange) RequestBlock() []byte { return x.block }

// Context implements envmap.Exchange.
func (x *exchange) Context() context.Context { return x.ctx }

// RequestBody implements envmap.Exchange.
func (x *exchange) RequestBody() io.Reader {
	if x.r.Body == nil {
		return http.NoBody
	}
	return counted{x}
}

// counted counts the reads of a request body that are running.
type counted struct{ x *exchange }

func (c counted) Read(p []byte) (int, error) {
	c.x.reads.Add(1)
	defer c.x.reads.Add(-1)
	return c.x.r.Body.Read(p)
}

// stopReads ends a read that a goroutine of the application left behind: Run waits for it, and the client may send nothing.
func (x *exchange) stopReads() {
	if x.reads.Load() > 0 {
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Unix(1, 0)) // not every ResponseWriter has deadlines
	}
}

func (x *exchange) begin(head *envmap.ResponseHead) {
	fields := x.w.Header()
	for _, f := range head.Fields {
		name := http.CanonicalHeaderKey(f.Name)
		fields[name] = append(fields[name], f.Value)
	}
	if head.Length >= 0 && head.Status != http.StatusNoContent {
		fields.Set("Content-Length", strconv.FormatInt(head.Length, 10))
	}
	if _, ok := fields["Content-Type"]; !ok {
		fields["Content-Type"] = nil // so that nobody guesses one
	}
	if head.Cancel != nil {
		x.cancel(head.Cancel)
	}
	x.w.WriteHeader(head.Status)
}

// Send implements envmap.Exchange.
func (x *exchange) Send(head *envmap.ResponseHead, body []byte) error {
	x.begin(head)
	x.stopReads()
	if len(body) == 0 {
		return nil
	}
	_, err := x.w.Write(body)
	return err
}

// Begin implements envmap.Exchange.
func (x *exchange) Begin(head *envmap.ResponseHead) error {
	x.begin(head)
	return nil
}

// Write implements envmap.Exchange.
func (x *exchange) Write(p []byte) (int, error) { return x.w.Write(p) }

// Reserve implements envmap.Exchange, in memory of its own.
func (x *exchange) Reserve(n int) ([]byte, error) {
	const most = 32 << 10
	if x.spare == nil {
		x.spare = make([]byte, most)
	}
	return x.spare[:min(n, most)], nil
}

// Commit implements envmap.Exchange.
func (x *exchange) Commit(n int) error {
	if n == 0 {
		return nil
	}
	_, err := x.w.Write(x.spare[:n])
	return err
}

// SendFile implements envmap.Exchange.
func (x *exchange) SendFile(ctx context.Context, file envmap.File, offset, count int64) error {
	n, err := io.Copy(x.w, untilDone{ctx, io.NewSectionReader(file, offset, count)})
	if err == nil && n < count {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// Flush implements envmap.Exchange.
func (x *exchange) Flush() error { return http.NewResponseController(x.w).Flush() }

// Finish implements envmap.Exchange.
func (x *exchange) Finish() error {
	x.stopReads()
	return nil
}

// Abort implements envmap.Exchange.
func (x *exchange) Abort(cause error) {
	x.stopReads()
	x.cut = cause
	x.cancel(cause)
}
