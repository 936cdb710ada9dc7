package native

/*
#include "gw.h"
*/
import "C"

import (
	"strconv"
	"sync"
	"time"

	"ringway/internal/engine"
)

var laneStates = []string{"standby", "active", "draining", "dead"}

// Stats reads all counters. It stops nothing and takes a few microseconds per lane.
func (g *Gateway) Stats() engine.Stats {
	s := engine.Stats{HeapBytes: g.heap.bytes(), Loops: []engine.LoopStats{}, Lanes: []engine.LaneStats{},
		LatencyBounds: latencyBounds()}
	var c C.struct_gw_loop_stats
	for i := range g.loops {
		C.gw_read_loop(g.gw, C.uint32_t(i), &c)
		s.Loops = append(s.Loops, loopStats(i, &c))
	}
	lanes := make([]C.struct_gw_lane_stats, C.gw_read_lanes(g.gw, nil, 0))
	n := 0
	if len(lanes) > 0 {
		n = min(len(lanes), int(C.gw_read_lanes(g.gw, &lanes[0], C.uint32_t(len(lanes)))))
	}
	for i := range n {
		s.Lanes = append(s.Lanes, laneStats(&lanes[i]))
	}
	return s
}

// heap remembers how large the heap is for a while: to count it takes longer than all other counters together.
type heap struct {
	sync.Mutex
	read time.Time
	size uint64
}

const heapAge = 100 * time.Millisecond

func (h *heap) bytes() uint64 {
	h.Lock()
	defer h.Unlock()
	if time.Since(h.read) >= heapAge {
		h.read, h.size = time.Now(), uint64(C.gw_heap_bytes())
	}
	return h.size
}

func loopStats(index int, c *C.struct_gw_loop_stats) engine.LoopStats {
	s := engine.LoopStats{
		Index:               index,
		ConnectionsOpen:     uint64(c.connections_open),
		ConnectionsBusy:     uint64(c.connections_busy),
		ConnectionsAccepted: uint64(c.connections_accepted),
		Requests:            uint64(c.requests),
		NativeAnswers:       uint64(c.native_answers),
		StaticAnswers:       uint64(c.static_answers),
		StaticBytes:         uint64(c.static_bytes),
		Files:               uint64(c.files),
		FileBytes:           uint64(c.file_bytes),
		Answers:             answers(c.answers),
		Refused:             map[string]uint64{},
		RequestTimeouts:     uint64(c.request_timeouts),
		IdleTimeouts:        uint64(c.idle_timeouts),
		Upgraded:            uint64(c.upgraded),
		UpgradedEver:        uint64(c.upgraded_ever),
		UpgradeTimeouts:     uint64(c.upgrade_timeouts),
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
		TakenBack:           uint64(c.taken_back),
		Lost:                uint64(c.lost),
		Violations:          uint64(c.violations),
		Allocations:         uint64(c.allocations),
		Iterations:          uint64(c.iterations),
		AccessDropped:       uint64(c.access_dropped),
	}
	s.Latency = engine.Latency{
		Queue:   histogram(c, C.GW_SPAN_QUEUE),
		Handler: histogram(c, C.GW_SPAN_HANDLER),
		Total:   histogram(c, C.GW_SPAN_TOTAL),
	}
	for reason, count := range c.refused {
		if text := reasonTexts()[reason]; text != "" && count != 0 {
			s.Refused[text] = uint64(count)
		}
	}
	return s
}

// reasonTexts are the texts of the reasons in gw_loop_stats.refused; "" past the last.
var reasonTexts = sync.OnceValue(func() (texts [C.GW_REASONS]string) {
	for reason := range texts {
		if text := C.gw_reason_text(C.uint32_t(reason)); text != nil {
			texts[reason] = C.GoString(text)
		}
	}
	return texts
})

func histogram(c *C.struct_gw_loop_stats, span int) engine.Histogram {
	counts := c.latency[span][:]
	for len(counts) > 0 && counts[len(counts)-1] == 0 {
		counts = counts[:len(counts)-1]
	}
	h := engine.Histogram{SumNanoseconds: uint64(c.latency_sum_ns[span]), Counts: make([]uint64, len(counts))}
	for i, count := range counts {
		h.Counts[i] = uint64(count)
	}
	return h
}

// latencyBounds are the upper bounds of the buckets of all histograms; the last bucket has none. Nobody changes them.
var latencyBounds = sync.OnceValue(func() []uint64 {
	bounds := make([]uint64, C.GW_BUCKETS-1)
	for i := range bounds {
		bounds[i] = uint64(C.gw_bucket_bound(C.uint32_t(i)))
	}
	return bounds
})

// answers counts by the hundreds of their status.
func answers(counts [6]C.uint64_t) map[string]uint64 {
	byClass := make(map[string]uint64)
	for class := 2; class < len(counts); class++ {
		byClass[strconv.Itoa(class)+"xx"] = uint64(counts[class])
	}
	return byClass
}

func laneStats(c *C.struct_gw_lane_stats) engine.LaneStats {
	return engine.LaneStats{
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
		Answers:            answers(c.answers),
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
