package ring

import "fmt"

// Geometry is the size of a worker's segments; everything else about their layout follows from it.
type Geometry struct {
	Lanes         int // one per loop of the gateway
	RingSlots     int // events per ring, a power of two, at least 4 * ExchangeSlots
	ExchangeSlots int // exchanges per lane, a power of two
	ArenaUnits    int // KiB of blocks per lane and direction, a multiple of 64
}

// Validate says which number cannot be used, and why.
func (g Geometry) Validate() error {
	switch {
	case g.Lanes < 1 || g.Lanes > MaxLanes:
		return fmt.Errorf("ring: %d lanes, want 1 to %d", g.Lanes, MaxLanes)
	case !powerOfTwo(g.ExchangeSlots) || g.ExchangeSlots > MaxExchanges:
		return fmt.Errorf("ring: %d exchange slots, want a power of two up to %d", g.ExchangeSlots, MaxExchanges)
	case !powerOfTwo(g.RingSlots) || g.RingSlots < 4*g.ExchangeSlots || g.RingSlots > 4*4*MaxExchanges:
		return fmt.Errorf("ring: %d ring slots, want a power of two from 4 * %d exchange slots to %d",
			g.RingSlots, g.ExchangeSlots, 4*4*MaxExchanges)
	case g.ArenaUnits < ChunkUnits || g.ArenaUnits%ChunkUnits != 0 || g.ArenaUnits > MaxArenaUnits:
		return fmt.Errorf("ring: %d arena units, want a multiple of %d up to %d", g.ArenaUnits, ChunkUnits, MaxArenaUnits)
	case g.ExchangeSlots*BaseWindow*2 > g.ArenaSize():
		return fmt.Errorf("ring: %d arena units for %d exchange slots, want at least %d: half of them for base windows",
			g.ArenaUnits, g.ExchangeSlots, g.ExchangeSlots*BaseWindow*2/Unit)
	}
	return nil
}

func powerOfTwo(n int) bool { return n > 0 && n&(n-1) == 0 }

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// ReturnSlots is the size of a return ring: every block of the arena fits into it.
func (g Geometry) ReturnSlots() int {
	n := 1
	for n < g.ArenaUnits {
		n *= 2
	}
	return n
}

// ArenaSize is the bytes of one arena.
func (g Geometry) ArenaSize() int { return g.ArenaUnits * Unit }

// Offsets inside an inbound lane part.

func (g Geometry) inEvents() int  { return WordsSize }
func (g Geometry) inReturns() int { return g.inEvents() + g.RingSlots*EventSize }
func (g Geometry) inArena() int   { return roundUp(g.inReturns()+g.ReturnSlots()*4, Page) }

// InboundStride is the bytes of one lane part of the inbound segment.
func (g Geometry) InboundStride() int { return g.inArena() + g.ArenaSize() }

// InboundSize is the bytes of the inbound segment.
func (g Geometry) InboundSize() int { return Page + g.Lanes*g.InboundStride() }

// Offsets inside an outbound lane part.

func (g Geometry) outClaims() int  { return WordsSize }
func (g Geometry) outEvents() int  { return g.outClaims() + g.ExchangeSlots*ClaimStride }
func (g Geometry) outReturns() int { return g.outEvents() + g.RingSlots*EventSize }
func (g Geometry) outArena() int   { return roundUp(g.outReturns()+g.ReturnSlots()*4, Page) }

// OutboundStride is the bytes of one lane part of the outbound segment.
func (g Geometry) OutboundStride() int { return g.outArena() + g.ArenaSize() }

// OutboundSize is the bytes of the outbound segment.
func (g Geometry) OutboundSize() int { return Page + g.Lanes*g.OutboundStride() }

// InboundLane is the part of lane i in an inbound segment.
func (g Geometry) InboundLane(segment []byte, i int) []byte {
	return lanePart(segment, i, g.InboundStride())
}

// OutboundLane is the part of lane i in an outbound segment.
func (g Geometry) OutboundLane(segment []byte, i int) []byte {
	return lanePart(segment, i, g.OutboundStride())
}

func lanePart(segment []byte, i, stride int) []byte {
	from := Page + i*stride
	return segment[from : from+stride : from+stride]
}
