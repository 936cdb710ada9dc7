// The race detector makes sync.Pool forget at random.

//go:build !race

package approutes

import (
	"context"
	"io"
	"strings"
	"testing"

	"ringway/envmap"
)

// TestHelloAllocatesNothing: the route that benchmarks measure shows the cost of the path to it, not its own.
func TestHelloAllocatesNothing(t *testing.T) {
	runner := envmap.NewRunner(App(Options{}))
	x := nowhere{block: get("/").Block(), body: strings.NewReader("")}
	run := func() {
		if err := runner.Run(&x); err != nil {
			t.Error(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(1000, run); n > 0 {
		t.Errorf("%v allocations for each request, want none", n)
	}
	if x.sent != len(helloText) {
		t.Errorf("the last response had %d bytes, want %d", x.sent, len(helloText))
	}
}

// nowhere is an exchange whose response is only counted. Everything but Send is left to a nil Exchange: not to be called.
type nowhere struct {
	envmap.Exchange
	block []byte
	body  io.Reader
	sent  int
}

func (x *nowhere) RequestBlock() []byte     { return x.block }
func (x *nowhere) Context() context.Context { return context.Background() }
func (x *nowhere) RequestBody() io.Reader   { return x.body }

func (x *nowhere) Send(_ *envmap.ResponseHead, body []byte) error {
	x.sent = len(body)
	return nil
}
