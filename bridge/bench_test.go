package bridge

import (
	"net/http"
	"testing"

	"ringway/envmap"
	"ringway/ring"
	"ringway/ring/ringtest"
)

// stepper runs a lane without reader goroutines: publish, handle, consume, one after the other on one goroutine, so
// that benchmarks and allocation counts see the worker's part and nothing else.
type stepper struct {
	gateway *ringtest.Lane
	lane    *lane
	reader  *reader
	head    []byte
	order   uint
	gen     uint32
	event   ring.Event
}

func newStepper(tb testing.TB, h http.Handler, app envmap.App, r ringtest.Request) *stepper {
	var env *envmap.Runner
	if app != nil {
		env = envmap.NewRunner(app)
	}
	w := newWorker(newOptions([]Option{WithRelease("test"), quiet(), WithDispatch(Inline)}), h, env)
	gateway, end := ringtest.HeapPair(testGeometry)
	_, socket, err := ringtest.SocketPair()
	if err != nil {
		tb.Fatal(err)
	}
	att := newAttachment(w)
	att.add(end, socket, 1)
	head := r.Encode()
	return &stepper{gateway: gateway, lane: att.lanes[0], reader: newReader(), head: head, order: ring.OrderFor(len(head))}
}

func (s *stepper) step() (events int) {
	s.gen++
	h, _ := s.gateway.Blocks.Alloc(s.order)
	at := uint32(h.Unit() * ring.Unit)
	copy(s.gateway.InArena[at:], s.head)
	s.event = ring.Event{Kind: ring.EventRequest, Flags: ring.FlagEnd, Generation: s.gen, Credit: 128 << 10}
	s.event.SetHead(ring.Ref{Block: uint32(h), Offset: at, Length: uint32(len(s.head))})
	s.event.SetBody(ring.NoRef)
	s.gateway.Queue(0, s.gen)
	s.gateway.Publish(&s.event)

	l := s.lane
	l.lock()
	l.prepare(s.reader)
	if ex := l.next(true); ex != nil {
		l.handOver(s.reader, ex)
	}
	l.unlock()

	for s.gateway.Take(&s.event) {
		events++
		if s.event.HeadBlock != ring.NoBlock {
			s.gateway.Return(s.event.HeadBlock)
		}
		if s.event.BodyBlock != ring.NoBlock && s.event.BodyBlock != s.event.HeadBlock {
			s.gateway.Return(s.event.BodyBlock)
		}
	}
	for {
		if _, ok, err := s.gateway.Returned(); !ok || err != nil {
			return events
		}
	}
}

// browser is a request as wrk or a plain client sends it.
var browser = ringtest.Request{Target: "/", Fields: []string{"Host", "127.0.0.1:8080", "User-Agent", "test", "Accept", "*/*"}}

func benchmark(b *testing.B, h http.Handler, app envmap.App) {
	s := newStepper(b, h, app, browser)
	b.ReportAllocs()
	for b.Loop() {
		if s.step() != 1 {
			b.Fatal("no answer")
		}
	}
}

func BenchmarkHelloHandler(b *testing.B) { benchmark(b, hello, nil) }
func BenchmarkHelloEnv(b *testing.B)     { benchmark(b, nil, helloEnv) }

func BenchmarkWrite16K(b *testing.B) {
	body := make([]byte, 16384)
	benchmark(b, handle(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(body) }), nil)
}
