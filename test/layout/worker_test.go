package layout

import (
	"strings"
	"testing"

	"ringway/ring"
)

const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// requests are what the gateway's script publishes, by lane and slot.
var requests = [][]want{{
	{
		method: ring.MethodGet, version: 0x11, name: "GET", target: "/hello?name=w%20x", path: "/hello", query: "name=w%20x",
		authority: "example.test", remote: "192.0.2.7:4711", slot: 0, eventFlags: ring.FlagEnd, credit: 10240, time: 1000001,
		fields: []string{"1 Host=example.test", "22 User-Agent=golden/1", "0 X-Own=yes"},
	}, {
		method: ring.MethodPost, version: 0x11, kind: ring.BodyLength, flags: ring.RequestExpectContinue, length: 3000, name: "POST",
		target: "/upload", path: "/upload", authority: "[::1]:80", remote: "192.0.2.8:65535", slot: 1, credit: 9216, body: "abcde",
		total: 3000, time: 1000002, fields: []string{"1 host=[::1]:80", "3 Content-Length=3000", "10 Expect=100-continue"},
	}, {
		method: ring.MethodPut, version: 0x11, kind: ring.BodyChunked, length: -1, name: "PUT", target: "/t", path: "/t", authority: "t",
		slot: 2, credit: 8192, total: ring.LengthUnknown, fields: []string{"1 Host=t", "6 Trailer=X-Sum"},
	}, {
		method: ring.MethodOptions, version: 0x10, flags: ring.RequestClose, name: "OPTIONS", target: "*", path: "*", authority: "t",
		remote: "192.0.2.9:1", slot: 3, eventFlags: ring.FlagEnd, credit: 8192, time: 1000003, fields: []string{"1 Host=t"},
	},
}, {
	{
		version: 0x11, attempt: 1, name: "BREW", target: "http://pot.test:8081/tea?x", path: "/tea", query: "x", authority: "pot.test:8081",
		remote: "[2001:db8::1]:50000", slot: 0, eventFlags: ring.FlagEnd | ring.FlagRetry, credit: 10240, time: 0x123456789abcdef0,
		fields: []string{"1 Host=pot.test:8081", "25 Cookie=a=1", "25 Cookie=b=2"},
	},
}}

// take expects one more inbound event.
func take(t *testing.T, lane *ring.WorkerLane) ring.Event {
	t.Helper()
	var e ring.Event
	if !lane.Take(&e) {
		t.Fatalf("no event; fault %v", lane.Fault())
	}
	return e
}

// takeBody expects a BODY event.
func takeBody(t *testing.T, lane *ring.WorkerLane, slot uint32, flags uint8, body string) ring.Event {
	t.Helper()
	e := take(t, lane)
	if e.Kind != ring.EventBody || e.Exchange != slot || e.Generation != 1 || e.Flags != flags || lane.CheckInbound(e.Body()) != nil ||
		string(lane.Inbound(e.Body())) != body {
		t.Errorf("event %+v with %q, want slot %d, flags %d, %q", e, lane.Inbound(e.Body()), slot, flags, body)
	}
	return e
}

func takeCancel(t *testing.T, lane *ring.WorkerLane, slot uint32, reason uint16) {
	t.Helper()
	e := take(t, lane)
	if e.Kind != ring.EventCancel || e.Exchange != slot || e.Status != reason || !e.Head().None() || !e.Body().None() {
		t.Errorf("event %+v, want CANCEL %d for slot %d", e, reason, slot)
	}
}

func takeCredit(t *testing.T, lane *ring.WorkerLane, slot, credit uint32) {
	t.Helper()
	e := take(t, lane)
	if e.Kind != ring.EventCredit || e.Exchange != slot || e.Generation != 1 || e.Credit != credit || !e.Head().None() || !e.Body().None() {
		t.Errorf("event %+v, want credit of %d for slot %d", e, credit, slot)
	}
}

// answer publishes an event, with a field list and a body in a block each or in one.
func answer(t *testing.T, lane *ring.WorkerLane, e ring.Event, shared bool, body string, fields ...string) {
	t.Helper()
	var list []byte
	for i := 0; i+1 < len(fields); i += 2 {
		list = ring.AppendField(list, ring.LookupName(fields[i]), fields[i], fields[i+1])
	}
	e.Generation = 1
	e.SetHead(ring.NoRef)
	e.SetBody(ring.NoRef)
	put := func(pieces ...string) (ring.Handle, uint32) {
		text := strings.Join(pieces, "")
		h, ok := lane.Alloc(ring.OrderFor(len(text)))
		if !ok {
			t.Fatalf("no block for %d bytes", len(text))
		}
		copy(lane.Block(h), text)
		return h, uint32(h.Unit() * ring.Unit)
	}
	length, size := uint32(len(list)), uint32(len(body))
	switch {
	case shared:
		h, at := put(string(list), body)
		e.SetHead(ring.Ref{Block: uint32(h), Offset: at, Length: length})
		e.SetBody(ring.Ref{Block: uint32(h), Offset: at + length, Length: size})
	default:
		if length > 0 {
			h, at := put(string(list))
			e.SetHead(ring.Ref{Block: uint32(h), Offset: at, Length: length})
		}
		if size > 0 {
			h, at := put(body)
			e.SetBody(ring.Ref{Block: uint32(h), Offset: at, Length: size})
		}
	}
	if !lane.Publish(&e) {
		t.Fatalf("event %+v cannot be published", e)
	}
}

// worker plays the worker's script on the golden requests.
func worker(t *testing.T, s segments) []*ring.WorkerLane {
	t.Helper()
	for _, half := range []struct {
		memory []byte
		kind   uint32
	}{{s.inbound, ring.KindInbound}, {s.outbound, ring.KindOutbound}} {
		if g, id, err := ring.ReadHeader(half.memory, half.kind); err != nil || g != golden || id != 7 {
			t.Fatalf("header: %+v of worker %d, %v", g, id, err)
		}
	}
	var lanes []*ring.WorkerLane
	for i := range golden.Lanes {
		lanes = append(lanes, ring.NewWorkerLane(golden, golden.InboundLane(s.inbound, i), golden.OutboundLane(s.outbound, i)))
	}
	lane := lanes[0]

	hello := take(t, lane)
	checkRequest(t, lane, hello, requests[0][0])
	upload := take(t, lane)
	checkRequest(t, lane, upload, requests[0][1])
	first := takeBody(t, lane, 1, 0, strings.Repeat(upper, 77)[:2000])
	second := takeBody(t, lane, 1, ring.FlagEnd, strings.Repeat(upper, 39)[:995])
	put := take(t, lane)
	checkRequest(t, lane, put, requests[0][2])
	third := takeBody(t, lane, 2, 0, upper[:10])
	trailers := takeBody(t, lane, 2, ring.FlagEnd|ring.FlagTrailers, "")
	id, name, value, rest, err := ring.NextField(lane.Inbound(trailers.Head()))
	if id != ring.NameOther || string(name) != "X-Sum" || string(value) != "1" || len(rest) != 0 || err != nil {
		t.Errorf("trailer %d %q %q, then %q, %v", id, name, value, rest, err)
	}
	takeCancel(t, lane, 2, ring.CancelHalfClosed)
	options := take(t, lane)
	checkRequest(t, lane, options, requests[0][3])
	takeCancel(t, lane, 3, ring.CancelDeadline)
	var e ring.Event
	if lane.Take(&e) || !lane.Empty() || lane.Fault() != nil {
		t.Errorf("one event too many: %+v, fault %v", e, lane.Fault())
	}
	for slot, claimed := range []bool{true, true, true, false} {
		if lane.Claim(uint32(slot), 2) || lane.Claim(uint32(slot), 1) != claimed || lane.Claim(uint32(slot), 1) {
			t.Errorf("slot %d: claims of generation 2, of 1, and of 1 again gave something else than false, %v, false", slot, claimed)
		}
	}
	lane.Return(options.HeadBlock)

	answer(t, lane, ring.Event{Kind: ring.EventResponse, Flags: ring.FlagEnd, Exchange: 0, Status: 200, Total: 13}, true,
		"Hello, World!", "Content-Type", "text/plain", "X-Own", "v")
	lane.Return(hello.HeadBlock)

	answer(t, lane, ring.Event{Kind: ring.EventContinue, Exchange: 1}, false, "")
	lane.Return(first.BodyBlock)
	lane.Return(second.BodyBlock)
	answer(t, lane, ring.Event{Kind: ring.EventResponse, Exchange: 1, Status: 201, Total: ring.LengthUnknown}, false, "", "Location", "/x")
	answer(t, lane, ring.Event{Kind: ring.EventResponseBody, Exchange: 1}, false, strings.Repeat(upper, 80)[:2048])
	answer(t, lane, ring.Event{Kind: ring.EventResponseBody, Flags: ring.FlagEnd | ring.FlagTrailers, Exchange: 1}, false, "end", "X-Sum", "2")
	lane.Return(upload.HeadBlock)

	answer(t, lane, ring.Event{Kind: ring.EventInform, Exchange: 2, Status: 103}, false, "", "Link", "</a>")
	lane.Return(third.BodyBlock)
	lane.Return(trailers.HeadBlock)
	answer(t, lane, ring.Event{Kind: ring.EventAbort, Exchange: 2, Status: 502}, false, "")
	lane.Return(put.HeadBlock)
	lane.Arm()

	lane = lanes[1]
	brew := take(t, lane)
	checkRequest(t, lane, brew, requests[1][0])
	if !lane.Claim(0, 1) {
		t.Error("lane 1: the claim failed")
	}
	if !lane.SignalDue() {
		t.Error("lane 1: the gateway asked for a signal when there is space, and none is due")
	}
	answer(t, lane, ring.Event{Kind: ring.EventWant, Exchange: 0, Credit: 12 * ring.Unit}, false, "")
	if !lane.SignalDue() {
		t.Error("lane 1: the gateway asked for a signal with the next event, and none is due")
	}
	lane.Starve()
	return lanes
}
