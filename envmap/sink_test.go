package envmap_test

import (
	"context"
	"io"
	"strings"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// sink is the smallest Exchange: it takes everything and allocates nothing.
type sink struct {
	block []byte
	body  io.Reader
	space []byte
	taken int
}

func newSink(r envtest.Request) *sink {
	return &sink{block: r.Block(), body: strings.NewReader(""), space: make([]byte, 64<<10)}
}

func (x *sink) RequestBlock() []byte                                      { return x.block }
func (x *sink) Context() context.Context                                  { return context.Background() }
func (x *sink) RequestBody() io.Reader                                    { return x.body }
func (x *sink) Begin(*envmap.ResponseHead) error                          { return nil }
func (x *sink) Flush() error                                              { return nil }
func (x *sink) SendFile(context.Context, envmap.File, int64, int64) error { return nil }
func (x *sink) Finish() error                                             { return nil }
func (x *sink) Abort(error)                                               { x.taken = -1 }

func (x *sink) Upgrade(*envmap.ResponseHead) (envmap.Stream, error) { return nil, envmap.ErrUpgrade }

func (x *sink) Send(_ *envmap.ResponseHead, body []byte) error {
	x.taken += len(body)
	return nil
}

func (x *sink) Write(p []byte) (int, error) {
	x.taken += len(p)
	return len(p), nil
}

func (x *sink) Reserve(n int) ([]byte, error) { return x.space[:min(n, len(x.space))], nil }

func (x *sink) Commit(n int) error {
	x.taken += n
	return nil
}
