package layout

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"ringway/ring"
)

var gatewaySources = []string{
	"lane.c", "lane_send.c", "lane_receive.c", "lane_window.c", "lane_files.c", "arena.c", "ring_geometry.c", "request_block.c",
	"h1_parser.c", "h1_fields.c", "h1_target.c", "h1_connection.c", "h1_names.c", "h1_chars.c",
}

// gateway plays the gateway's script: the requests, or what it makes of answers if there are some.
func gateway(t *testing.T, outbound []byte) (segments, string) {
	t.Helper()
	program := buildC(t, filepath.Join("test", "layout", "testdata", "csegment.c"), gatewaySources...)
	if _, err := os.ReadFile(filepath.Join("testdata", "csegment.c")); err != nil {
		t.Fatal(err)
	}
	directory, script := t.TempDir(), "requests"
	if outbound != nil {
		script = "answers"
		write(t, filepath.Join(directory, "outbound"), string(outbound))
	}
	transcript := run(t, "", program, directory, script)
	var s segments
	for _, file := range []struct {
		name string
		into *[]byte
	}{{"inbound", &s.inbound}, {"outbound", &s.outbound}} {
		content, err := os.ReadFile(filepath.Join(directory, file.name))
		if err != nil {
			t.Fatal(err)
		}
		*file.into = ring.AlignedHeap(len(content))
		copy(*file.into, content)
	}
	return s, transcript
}

// TestGatewayWritesRequests: the gateway's ends write exactly the golden requests.
func TestGatewayWritesRequests(t *testing.T) {
	s, _ := gateway(t, nil)
	isGolden(t, "requests.txt", s.String())
}

// TestWorkerReadsRequestsAndAnswers: the worker's ends find the script in the golden requests, and their answers are
// the golden ones.
func TestWorkerReadsRequestsAndAnswers(t *testing.T) {
	s := loadGolden(t, "requests.txt")
	before := s.clone()
	worker(t, s)
	if !bytes.Equal(s.inbound, before.inbound) {
		t.Error("the worker changed the inbound segment")
	}
	isGolden(t, "answers.txt", formatImage("outbound", s.outbound, placeOutbound(s.outbound)))
}

// TestGatewayReadsAnswers: the gateway's ends find what the worker answered, and give back what they should.
func TestGatewayReadsAnswers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "answers.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s, transcript := gateway(t, parseImages(t, string(text))["outbound"])
	isGolden(t, "transcript.txt", transcript)
	isGolden(t, "settled.txt", s.String())
}

// TestWorkerSettles: the worker's ends take back every block, and the credit, from the golden end.
func TestWorkerSettles(t *testing.T) {
	s := loadGolden(t, "requests.txt")
	lanes := worker(t, s)
	settled := loadGolden(t, "settled.txt")
	copy(s.inbound, settled.inbound)
	copy(s.outbound, settled.outbound)
	for i, lane := range lanes {
		lent := lane.Arena().InUse()
		lane.DrainReturns()
		if err := lane.Fault(); err != nil || lane.Arena().InUse() != 0 {
			t.Errorf("lane %d: %d of %d units still lent, fault %v", i, lane.Arena().InUse(), lent, err)
		}
		if m := ring.NewLaneMemory(golden, golden.InboundLane(s.inbound, i), golden.OutboundLane(s.outbound, i)); m.OutHead.Load() != m.OutTail.Load() ||
			m.InReturnHead.Load() != m.InReturnTail.Load() || m.WorkerArmed.Load()|m.WorkerStarved.Load() != 0 {
			t.Errorf("lane %d: events or returns are left, or the worker was not woken", i)
		}
	}
	// The window has to grow for the WANT; when else it does is for the gateway to decide.
	takeCredit(t, lanes[1], 0, 2*ring.Unit)
	for i, lane := range lanes {
		var e ring.Event
		if lane.Take(&e) || lane.Fault() != nil {
			t.Errorf("lane %d: %+v, fault %v", i, e, lane.Fault())
		}
	}
}

// want is what a request block has to say.
type want struct {
	method                               uint8
	version, kind, flags, attempt        uint8
	length                               int64
	name, target, path, query, authority string
	remote                               string
	fields                               []string // "id name=value"
	slot                                 uint32
	eventFlags                           uint8
	credit                               uint32
	body                                 string
	total, time                          uint64
}

func checkRequest(t *testing.T, lane *ring.WorkerLane, e ring.Event, w want) {
	t.Helper()
	if e.Kind != ring.EventRequest || e.Flags != w.eventFlags || e.Exchange != w.slot || e.Generation != 1 || e.Credit != w.credit ||
		e.Total != w.total || e.TimeNs != w.time || e.Status != 0 || e.FileLow|e.FileHigh != 0 {
		t.Errorf("%s: event %+v", w.target, e)
	}
	for _, r := range []ring.Ref{e.Head(), e.Body()} {
		if err := lane.CheckInbound(r); err != nil {
			t.Fatalf("%s: %v", w.target, err)
		}
	}
	r, err := ring.ParseRequest(lane.Inbound(e.Head()))
	if err != nil {
		t.Fatalf("%s: %v", w.target, err)
	}
	if r.Method() != w.method || r.Version() != w.version || r.BodyKind() != w.kind || r.Flags() != w.flags ||
		r.Attempt() != w.attempt || r.ContentLength() != w.length || r.HTTPS() {
		t.Errorf("%s: method %d version %#x body %d flags %d attempt %d length %d",
			w.target, r.Method(), r.Version(), r.BodyKind(), r.Flags(), r.Attempt(), r.ContentLength())
	}
	for _, pair := range [][2]string{
		{string(r.MethodName()), w.name}, {string(r.Target()), w.target}, {string(r.Path()), w.path}, {string(r.Query()), w.query},
		{string(r.Authority()), w.authority}, {string(lane.Inbound(e.Body())), w.body},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", w.target, pair[0], pair[1])
		}
	}
	remote := netip.AddrPort{}
	if w.remote != "" {
		remote = netip.MustParseAddrPort(w.remote)
	}
	if r.Remote() != remote || r.Local() != netip.MustParseAddrPort("192.0.2.1:8080") {
		t.Errorf("%s: from %v to %v", w.target, r.Remote(), r.Local())
	}
	var fields []string
	text := r.CopyText()
	for i := range r.FieldCount() {
		id, name, value := r.Field(i)
		fields = append(fields, fmt.Sprintf("%d %s=%s", id, name, value))
		if again, _, copied := text.Field(r, i); again != id || copied != string(value) || id != ring.LookupName(name) {
			t.Errorf("%s: field %d is %d %q, its copy %d %q", w.target, i, id, value, again, copied)
		}
	}
	if fmt.Sprint(fields) != fmt.Sprint(w.fields) {
		t.Errorf("%s: fields %q, want %q", w.target, fields, w.fields)
	}
}
