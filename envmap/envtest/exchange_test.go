package envtest

import (
	"errors"
	"io"
	"testing"

	"ringway/envmap"
)

func newExchange(t *testing.T) *Exchange { return NewExchange(t.Context(), Request{}) }

func panics(t *testing.T, what string, do func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s does not panic", what)
		}
	}()
	do()
}

// TestOrderOfCalls: an Exchange does not let a wrong order pass.
func TestOrderOfCalls(t *testing.T) {
	head := &envmap.ResponseHead{Status: 200, Length: envmap.LengthUnknown}
	for what, do := range map[string]func(x *Exchange){
		"Write before Begin":  func(x *Exchange) { _, _ = x.Write(nil) },
		"Flush before Begin":  func(x *Exchange) { _ = x.Flush() },
		"Finish before Begin": func(x *Exchange) { _ = x.Finish() },
		"Begin twice":         func(x *Exchange) { _ = x.Begin(head); _ = x.Begin(head) },
		"Send after Begin":    func(x *Exchange) { _ = x.Begin(head); _ = x.Send(head, nil) },
		"Send twice":          func(x *Exchange) { _ = x.Send(head, nil); _ = x.Send(head, nil) },
		"Abort after Send":    func(x *Exchange) { _ = x.Send(head, nil); x.Abort(io.EOF) },
		"Abort without cause": func(x *Exchange) { x.Abort(nil) },
		"RequestBlock late":   func(x *Exchange) { x.Abort(io.EOF); x.RequestBlock() },
		"Commit alone":        func(x *Exchange) { _ = x.Begin(head); _ = x.Commit(0) },
		"Write while reserved": func(x *Exchange) {
			_ = x.Begin(head)
			_, _ = x.Reserve(1)
			_, _ = x.Write(nil)
		},
		"Finish of too little": func(x *Exchange) {
			_ = x.Begin(&envmap.ResponseHead{Status: 200, Length: 2})
			_, _ = x.Write([]byte("1"))
			_ = x.Finish()
		},
	} {
		panics(t, what, func() { do(newExchange(t)) })
	}
}

func TestBodyFailsAfterTheEnd(t *testing.T) {
	x := newExchange(t)
	if _, err := x.RequestBody().Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read: %v", err)
	}
	x.Abort(errors.New("x"))
	if _, err := x.RequestBody().Read(make([]byte, 1)); !errors.Is(err, ErrBodyEnded) || !x.Ended() || x.Clean() {
		t.Errorf("Read: %v", err)
	}
}
