package native

/*
#include "gw.h"
*/
import "C"

// Stats is a snapshot of all loops and lanes. Counters count from the gateway's start.
type Stats struct {
	Loops []LoopStats `json:"loops"`
	Lanes []LaneStats `json:"lanes"`
}

// LoopStats are the counters of one event loop.
type LoopStats struct {
	Index               int               `json:"index"`
	ConnectionsOpen     uint64            `json:"connections_open"`
	ConnectionsAccepted uint64            `json:"connections_accepted"`
	Requests            uint64            `json:"requests"`
	NativeAnswers       uint64            `json:"native_answers"`
	Answers             map[string]uint64 `json:"answers"` // by class: "2xx"
	Refused             map[string]uint64 `json:"refused"` // malformed requests by reason
	TooLarge            uint64            `json:"too_large"`
	IdleTimeouts        uint64            `json:"idle_timeouts"` // connections closed between two requests
	HeadTimeouts        uint64            `json:"head_timeouts"`
	BodyTimeouts        uint64            `json:"body_timeouts"`
	SendTimeouts        uint64            `json:"send_timeouts"` // connections cut whose client took no bytes
	BytesIn             uint64            `json:"bytes_in"`
	BytesOut            uint64            `json:"bytes_out"`
	Cut                 uint64            `json:"cut"` // connections cut in the middle of an answer
	Evicted             uint64            `json:"evicted"`
	AsideBytes          uint64            `json:"aside_bytes"` // held aside for slow clients
	Parked              uint64            `json:"parked"`
	ParkedHighWater     uint64            `json:"parked_high_water"`
	Expired             uint64            `json:"expired"`      // waited past the queue deadline
	ParkRefused         uint64            `json:"park_refused"` // park limit reached
	Redispatched        uint64            `json:"redispatched"`
	Retried             uint64            `json:"retried"` // re-dispatched although a handler may have run
	Lost                uint64            `json:"lost"`    // failed because their worker died
	Violations          uint64            `json:"violations"`
	Allocations         uint64            `json:"allocations"` // heap allocations of the loop
	Iterations          uint64            `json:"iterations"`
}

// LaneStats are the counters of one lane: a worker's rings with one loop. Bytes unless stated.
type LaneStats struct {
	Worker             uint64 `json:"worker"`
	Loop               int    `json:"loop"`
	State              string `json:"state"` // attached, active, draining, dead
	Slots              int    `json:"slots"` // of the inbound ring
	ExchangeSlots      int    `json:"exchange_slots"`
	Depth              uint64 `json:"depth"` // events published and not acknowledged
	HighWater          uint64 `json:"high_water"`
	Published          uint64 `json:"published"`
	Acknowledged       uint64 `json:"acknowledged"`
	Completed          uint64 `json:"completed"` // exchanges
	Cancelled          uint64 `json:"cancelled"` // CANCEL events sent
	WakeupsSent        uint64 `json:"wakeups_sent"`
	WakeupsAvoided     uint64 `json:"wakeups_avoided"`
	FullStalls         uint64 `json:"full_stalls"`
	InFlight           uint64 `json:"in_flight"` // exchange slots in use
	ArenaBytes         uint64 `json:"arena_bytes"`
	ArenaBytesInUse    uint64 `json:"arena_bytes_in_use"`
	ArenaHighWater     uint64 `json:"arena_high_water"`
	OutArenaBytesInUse uint64 `json:"out_arena_bytes_in_use"` // answers being sent
	OutArenaHighWater  uint64 `json:"out_arena_high_water"`
}

var laneStates = []string{"attached", "active", "draining", "dead"}

// Stats reads all counters. It stops nothing and takes a few microseconds per lane.
func (g *Gateway) Stats() Stats {
	var s Stats
	for i := range g.loops {
		var c C.struct_gw_loop_stats
		C.gw_read_loop(g.gw, C.uint32_t(i), &c)
		s.Loops = append(s.Loops, loopStats(i, &c))
	}
	lanes := make([]C.struct_gw_lane_stats, 16)
	n := C.gw_read_lanes(g.gw, &lanes[0], C.uint32_t(len(lanes)))
	if int(n) > len(lanes) {
		lanes = make([]C.struct_gw_lane_stats, n)
		n = min(n, C.gw_read_lanes(g.gw, &lanes[0], n))
	}
	for i := range int(n) {
		s.Lanes = append(s.Lanes, laneStats(&lanes[i]))
	}
	return s
}

func loopStats(index int, c *C.struct_gw_loop_stats) LoopStats {
	s := LoopStats{
		Index:               index,
		ConnectionsOpen:     uint64(c.connections_open),
		ConnectionsAccepted: uint64(c.connections_accepted),
		Requests:            uint64(c.requests),
		NativeAnswers:       uint64(c.native_answers),
		Answers:             map[string]uint64{},
		Refused:             map[string]uint64{},
		TooLarge:            uint64(c.too_large),
		IdleTimeouts:        uint64(c.idle_timeouts),
		HeadTimeouts:        uint64(c.head_timeouts),
		BodyTimeouts:        uint64(c.body_timeouts),
		SendTimeouts:        uint64(c.send_timeouts),
		BytesIn:             uint64(c.bytes_in),
		BytesOut:            uint64(c.bytes_out),
		Cut:                 uint64(c.cut),
		Evicted:             uint64(c.evicted),
		AsideBytes:          uint64(c.aside_bytes),
		Parked:              uint64(c.parked),
		ParkedHighWater:     uint64(c.parked_high_water),
		Expired:             uint64(c.expired),
		ParkRefused:         uint64(c.park_refused),
		Redispatched:        uint64(c.redispatched),
		Retried:             uint64(c.retried),
		Lost:                uint64(c.lost),
		Violations:          uint64(c.violations),
		Allocations:         uint64(c.allocations),
		Iterations:          uint64(c.iterations),
	}
	for class, name := range []string{2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"} {
		if name != "" {
			s.Answers[name] = uint64(c.answers[class])
		}
	}
	for reason := range c.refused {
		if text := C.gw_reason_text(C.uint32_t(reason)); text != nil && c.refused[reason] != 0 {
			s.Refused[C.GoString(text)] = uint64(c.refused[reason])
		}
	}
	return s
}

func laneStats(c *C.struct_gw_lane_stats) LaneStats {
	return LaneStats{
		Worker:             uint64(c.worker),
		Loop:               int(c.loop),
		State:              laneStates[c.state],
		Slots:              int(c.slots),
		ExchangeSlots:      int(c.exchange_slots),
		Depth:              uint64(c.depth),
		HighWater:          uint64(c.depth_high_water),
		Published:          uint64(c.published),
		Acknowledged:       uint64(c.acknowledged),
		Completed:          uint64(c.completed),
		Cancelled:          uint64(c.cancelled),
		WakeupsSent:        uint64(c.wakeups_sent),
		WakeupsAvoided:     uint64(c.wakeups_avoided),
		FullStalls:         uint64(c.full_stalls),
		InFlight:           uint64(c.in_flight),
		ArenaBytes:         uint64(c.arena_size),
		ArenaBytesInUse:    uint64(c.arena_bytes),
		ArenaHighWater:     uint64(c.arena_high_water),
		OutArenaBytesInUse: uint64(c.held_bytes),
		OutArenaHighWater:  uint64(c.held_high_water),
	}
}
