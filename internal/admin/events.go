package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"ringway/internal/engine"
)

// Sample is how the gateway is at one moment, in few bytes: what rises is counted from the start.
type Sample struct {
	Time        time.Time         `json:"time"`
	State       string            `json:"state"` // of the gateway
	Connections uint64            `json:"connections"`
	Requests    uint64            `json:"requests"`
	Answers     map[string]uint64 `json:"answers"` // by class: "2xx"
	Refused     uint64            `json:"refused"`
	Parked      uint64            `json:"parked"`
	InFlight    uint64            `json:"in_flight"`
	BytesIn     uint64            `json:"bytes_in"`
	BytesOut    uint64            `json:"bytes_out"`
	// Latency counts answers by how long they took in all (Snapshot.LatencyBounds).
	Latency []uint64     `json:"latency"`
	Lanes   []LaneSample `json:"lanes"`
}

// LaneSample is a lane in a Sample.
type LaneSample struct {
	Worker         uint64 `json:"worker"`
	Loop           int    `json:"loop"`
	State          string `json:"state"`
	Depth          uint64 `json:"depth"`
	Slots          int    `json:"slots"`
	InFlight       uint64 `json:"in_flight"`
	ArenaBytes     uint64 `json:"arena_bytes"`
	InboundBytes   uint64 `json:"inbound_bytes"`  // of its arena that are in use
	OutboundBytes  uint64 `json:"outbound_bytes"` // of the other one
	WakeupsSent    uint64 `json:"wakeups_sent"`
	WakeupsAvoided uint64 `json:"wakeups_avoided"`
	FullStalls     uint64 `json:"full_stalls"`
}

// NewSample condenses a snapshot.
func NewSample(s *Snapshot) Sample {
	sample := Sample{
		Time: time.Now(), State: s.Gateway.State, Answers: make(map[string]uint64), Latency: make([]uint64, len(s.LatencyBounds)+1),
		Lanes: []LaneSample{},
	}
	for _, loop := range s.Loops {
		addLoop(&sample, &loop)
	}
	for _, l := range s.Lanes {
		sample.InFlight += l.InFlight
		sample.Lanes = append(sample.Lanes, LaneSample{
			Worker: l.Worker, Loop: l.Loop, State: l.State, Depth: l.Depth, Slots: l.Slots, InFlight: l.InFlight, ArenaBytes: l.ArenaBytes,
			InboundBytes: l.ArenaBytesInUse, OutboundBytes: l.OutArenaBytesInUse, WakeupsSent: l.WakeupsSent,
			WakeupsAvoided: l.WakeupsAvoided, FullStalls: l.FullStalls,
		})
	}
	return sample
}

func addLoop(to *Sample, l *engine.LoopStats) {
	to.Connections += l.ConnectionsOpen
	to.Requests += l.Requests
	to.Parked += l.Parked
	to.BytesIn += l.BytesIn
	to.BytesOut += l.BytesOut
	for class, count := range l.Answers {
		to.Answers[class] += count
	}
	for _, count := range l.Refused {
		to.Refused += count
	}
	for i := range min(len(to.Latency), len(l.Latency.Total.Counts)) {
		to.Latency[i] += l.Latency.Total.Counts[i]
	}
}

const (
	samplePeriod = time.Second
	maxFollowers = 32
	// followWait is how long a follower may take for what was sent.
	followWait = 10 * time.Second
)

// feed serves GET /events: events of kind "state", whose data are Event, and "sample", whose data are Sample. Who names the last
// one that it had (Last-Event-ID) gets those since then, as far as they are kept; others get all that are kept.
type feed struct {
	host  Host
	seats chan struct{}
}

func newFeed(host Host) *feed { return &feed{host, make(chan struct{}, maxFollowers)} }

func (f *feed) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead { // the same pattern; there is nothing to follow
		w.Header().Set("Content-Type", kindEvents)
		return
	}
	select {
	case f.seats <- struct{}{}:
		defer func() { <-f.seats }()
	default:
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusServiceUnavailable, CodeBusy, fmt.Sprintf("%d follow the events already, which is the limit", maxFollowers))
		return
	}
	header := w.Header()
	header.Set("Content-Type", kindEvents)
	header.Set("Cache-Control", "no-store")
	last, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64)
	controller := http.NewResponseController(w)
	send := func(kind string, id uint64, data any) bool {
		encoded, err := json.Marshal(data)
		if err != nil {
			return false
		}
		text := "event: " + kind + "\n"
		if id != 0 {
			text += "id: " + strconv.FormatUint(id, 10) + "\n"
		}
		_ = controller.SetWriteDeadline(time.Now().Add(followWait))
		_, err = fmt.Fprintf(w, "%sdata: %s\n\n", text, encoded)
		return err == nil && controller.Flush() == nil
	}
	tick := time.NewTicker(samplePeriod)
	defer tick.Stop()
	for sample := true; ; {
		events, more := f.host.Journal().After(last)
		for _, e := range events {
			last = e.ID
			if !send("state", e.ID, e) {
				return
			}
		}
		if sample {
			s := f.host.Snapshot()
			if !send("sample", 0, NewSample(&s)) {
				return
			}
		}
		select {
		case <-more:
			sample = false
		case <-tick.C:
			sample = true
		case <-f.host.Journal().ended:
			return // in order: it may ask the next gateway
		case <-r.Context().Done():
			return
		}
	}
}
