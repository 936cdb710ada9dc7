package ring

import "sync/atomic"

// LaneMemory names the words and arrays of one lane in both segments, as native/ring_layout.h declares them. The ends
// are built on it; so are tests that play the gateway.
type LaneMemory struct {
	InTail, OutHead, OutReturnTail, InReturnHead             *atomic.Uint64 // inbound segment
	InHead, OutTail, InReturnTail, OutReturnHead             *atomic.Uint64 // outbound segment
	WorkerArmed, GatewayArmed, WorkerStarved, GatewayStarved *atomic.Uint64 // outbound segment
	InEvents, OutEvents                                      []Event
	InReturns                                                []uint32 // of inbound blocks, in the outbound segment
	OutReturns                                               []uint32 // of outbound blocks, in the inbound segment
	Claims                                                   []*atomic.Uint64
	InArena, OutArena                                        []byte
}

// NewLaneMemory finds the words and arrays of a lane.
// Preconditions: g is valid; both parts have the strides of g and start on 8 bytes.
func NewLaneMemory(g Geometry, inbound, outbound []byte) LaneMemory {
	m := LaneMemory{
		InTail:        wordAt(inbound, 0),
		OutHead:       wordAt(inbound, 128),
		OutReturnTail: wordAt(inbound, 256),
		InReturnHead:  wordAt(inbound, 384),

		InHead:         wordAt(outbound, 0),
		OutTail:        wordAt(outbound, 128),
		InReturnTail:   wordAt(outbound, 256),
		OutReturnHead:  wordAt(outbound, 384),
		WorkerArmed:    wordAt(outbound, 512),
		GatewayArmed:   wordAt(outbound, 640),
		WorkerStarved:  wordAt(outbound, 768),
		GatewayStarved: wordAt(outbound, 896),

		InEvents:   eventsAt(inbound, g.inEvents(), g.RingSlots),
		OutEvents:  eventsAt(outbound, g.outEvents(), g.RingSlots),
		OutReturns: handlesAt(inbound, g.inReturns(), g.ReturnSlots()),
		InReturns:  handlesAt(outbound, g.outReturns(), g.ReturnSlots()),
		InArena:    inbound[g.inArena() : g.inArena()+g.ArenaSize()],
		OutArena:   outbound[g.outArena() : g.outArena()+g.ArenaSize()],
		Claims:     make([]*atomic.Uint64, g.ExchangeSlots),
	}
	for i := range m.Claims {
		m.Claims[i] = wordAt(outbound, g.outClaims()+i*ClaimStride)
	}
	return m
}
