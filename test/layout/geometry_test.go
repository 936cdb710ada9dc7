package layout

import (
	"bufio"
	"fmt"
	"strings"
	"testing"

	"ringway/ring"
)

const geometryProgram = `#include "ring_geometry.h"
#include <stdio.h>
#define LINE(field) printf(#field " %llu\n", (unsigned long long)g.field)
int main(void) {
    struct ring_geometry g = {0};
    while (scanf("%u %u %u %u", &g.lanes, &g.ring_slots, &g.exchange_slots, &g.arena_units) == 4) {
        int refused = ring_geometry_init(&g) != 0;
        printf("refused %d\n", refused);
        if (!refused) {
            LINE(return_slots);
            LINE(in_events); LINE(in_returns); LINE(in_arena); LINE(in_stride);
            LINE(out_claims); LINE(out_events); LINE(out_returns); LINE(out_arena); LINE(out_stride);
            LINE(inbound_size); LINE(outbound_size);
        }
        printf("end 0\n");
    }
    return 0;
}
`

// geometries are lanes, ring slots, exchange slots and arena units.
var geometries = [][4]int{
	{1, 4, 1, 64}, {1, 16, 4, 64}, {2, 16, 4, 64}, {3, 64, 16, 128}, {1, 32, 8, 64},
	{1, 4096, 1024, 8192}, {2, 4096, 1024, 8192}, {64, 8, 2, 64}, {1, 1024, 64, 65 * 64}, {7, 256, 64, 1000 * 64},
	{1, 262144, 16384, 131072}, {1, 262144, 16384, 262144}, {64, 65536, 16384, 262144},
	// To be refused by both.
	{1, 64, 16, 64}, {1, 4096, 1024, 4096},
	{0, 16, 4, 64}, {65, 16, 4, 64}, {1, 15, 4, 64}, {1, 8, 4, 64}, {1, 16, 3, 64}, {1, 16, 0, 64}, {1, 0, 0, 64},
	{1, 16, 4, 0}, {1, 16, 4, 63}, {1, 16, 4, 65}, {1, 16, 4, 262208}, {1, 524288, 16384, 262144}, {1, 131072, 32768, 262144},
}

// derived is what Go makes of a geometry, by the names that C has for it.
func derived(g ring.Geometry) map[string]uint64 {
	inbound, outbound := ring.AlignedHeap(g.InboundStride()), ring.AlignedHeap(g.OutboundStride())
	m := ring.NewLaneMemory(g, inbound, outbound)
	return map[string]uint64{
		"return_slots":  uint64(g.ReturnSlots()),
		"in_events":     offsetOf(inbound, &m.InEvents[0]),
		"in_returns":    offsetOf(inbound, &m.OutReturns[0]),
		"in_arena":      offsetOf(inbound, &m.InArena[0]),
		"in_stride":     uint64(g.InboundStride()),
		"out_claims":    offsetOf(outbound, m.Claims[0]),
		"out_events":    offsetOf(outbound, &m.OutEvents[0]),
		"out_returns":   offsetOf(outbound, &m.InReturns[0]),
		"out_arena":     offsetOf(outbound, &m.OutArena[0]),
		"out_stride":    uint64(g.OutboundStride()),
		"inbound_size":  uint64(g.InboundSize()),
		"outbound_size": uint64(g.OutboundSize()),
	}
}

// TestGeometry: both sides accept the same geometries and find everything at the same places.
func TestGeometry(t *testing.T) {
	var input strings.Builder
	for _, n := range geometries {
		fmt.Fprintln(&input, n[0], n[1], n[2], n[3])
	}
	lines := bufio.NewScanner(strings.NewReader(run(t, input.String(), compileC(t, geometryProgram, "ring_geometry.c"))))
	for _, n := range geometries {
		g := ring.Geometry{Lanes: n[0], RingSlots: n[1], ExchangeSlots: n[2], ArenaUnits: n[3]}
		c := map[string]uint64{}
		for lines.Scan() && lines.Text() != "end 0" {
			var name string
			var value uint64
			if _, err := fmt.Sscan(lines.Text(), &name, &value); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
			c[name] = value
		}
		refused, found := c["refused"]
		if !found {
			t.Fatalf("%+v: no line from C", g)
		}
		delete(c, "refused")
		if err := g.Validate(); (err != nil) != (refused == 1) {
			t.Errorf("%+v: refused by C: %v, Go says %v", g, refused == 1, err)
		}
		if refused == 1 {
			continue
		}
		for name, value := range derived(g) {
			if c[name] != value {
				t.Errorf("%+v: %s is %d in C, %d in Go", g, name, c[name], value)
			}
			delete(c, name)
		}
		if len(c) != 0 {
			t.Errorf("%+v: only C has %v", g, c)
		}
	}
}

// TestLaneWords: package ring finds the words of a lane, and the last element of each array, where the debug
// information of C says they are.
func TestLaneWords(t *testing.T) {
	g := ring.Geometry{Lanes: 2, RingSlots: 16, ExchangeSlots: 4, ArenaUnits: 64}
	program := compileC(t, "#include \"ring_layout.h\"\nint main(void) { return 0; }\n")
	c := structs(t, program, func(name string) (string, bool) { return name, strings.HasPrefix(name, "ring_") })
	inbound, outbound := ring.AlignedHeap(g.InboundSize()), ring.AlignedHeap(g.OutboundSize())
	const lane = 1
	inLane, outLane := g.InboundLane(inbound, lane), g.OutboundLane(outbound, lane)
	m := ring.NewLaneMemory(g, inLane, outLane)
	if got, want := offsetOf(inbound, &inLane[0]), uint64(ring.Page+g.InboundStride()); got != want {
		t.Errorf("inbound lane 1 starts at %d, want %d", got, want)
	}
	if got, want := offsetOf(outbound, &outLane[0]), uint64(ring.Page+g.OutboundStride()); got != want {
		t.Errorf("outbound lane 1 starts at %d, want %d", got, want)
	}
	in := map[string]uint64{
		"intail": offsetOf(inLane, m.InTail), "outhead": offsetOf(inLane, m.OutHead),
		"outreturntail": offsetOf(inLane, m.OutReturnTail), "inreturnhead": offsetOf(inLane, m.InReturnHead),
	}
	out := map[string]uint64{
		"inhead": offsetOf(outLane, m.InHead), "outtail": offsetOf(outLane, m.OutTail),
		"inreturntail": offsetOf(outLane, m.InReturnTail), "outreturnhead": offsetOf(outLane, m.OutReturnHead),
		"workerarmed": offsetOf(outLane, m.WorkerArmed), "gatewayarmed": offsetOf(outLane, m.GatewayArmed),
		"workerstarved": offsetOf(outLane, m.WorkerStarved), "gatewaystarved": offsetOf(outLane, m.GatewayStarved),
	}
	for name, words := range map[string]map[string]uint64{"inboundwords": in, "outboundwords": out} {
		if len(words) != len(c[name].fields) {
			t.Errorf("%s: %d words in C, %d in Go", name, len(c[name].fields), len(words))
		}
		for word, offset := range words {
			if want := c[name].fields[word].offset; uint64(want) != offset {
				t.Errorf("%s.%s: at %d in C, at %d in Go", name, word, want, offset)
			}
		}
	}
	for i, claim := range m.Claims {
		if got, want := offsetOf(outLane, claim), uint64(ring.WordsSize+i*ring.ClaimStride); got != want {
			t.Errorf("claim %d is at %d, want %d", i, got, want)
		}
	}
	if len(m.InEvents) != g.RingSlots || len(m.OutEvents) != g.RingSlots || len(m.InReturns) != g.ReturnSlots() ||
		len(m.OutReturns) != g.ReturnSlots() || len(m.InArena) != g.ArenaSize() || len(m.OutArena) != g.ArenaSize() {
		t.Errorf("lengths %d %d %d %d %d %d", len(m.InEvents), len(m.OutEvents), len(m.InReturns), len(m.OutReturns), len(m.InArena), len(m.OutArena))
	}
}
