package engine

// Stats is a snapshot of all loops and lanes. Counters count from the gateway's start.
type Stats struct {
	Loops []LoopStats `json:"loops"`
	Lanes []LaneStats `json:"lanes"`

	// LatencyBounds are the upper bounds of the buckets of all histograms in nanoseconds. The last bucket has none.
	LatencyBounds []uint64 `json:"latency_bounds_ns"`

	// HeapBytes is what the native half has allocated and not freed, its free lists included, at most 100 ms ago.
	HeapBytes uint64 `json:"heap_bytes"`
}

// LoopStats are the counters of one event loop.
type LoopStats struct {
	Index               int               `json:"index"`
	ConnectionsOpen     uint64            `json:"connections_open"`
	ConnectionsBusy     uint64            `json:"connections_busy"` // of them: with a request whose answer is not sent whole
	ConnectionsAccepted uint64            `json:"connections_accepted"`
	Requests            uint64            `json:"requests"`
	NativeAnswers       uint64            `json:"native_answers"`
	StaticAnswers       uint64            `json:"static_answers"`   // requests for paths of static sites
	StaticBytes         uint64            `json:"static_bytes"`     // of files, sent or about to be
	Files               uint64            `json:"files"`            // that workers handed over to be sent
	FileBytes           uint64            `json:"file_bytes"`       // of them, sent
	Answers             map[string]uint64 `json:"answers"`          // by class: "2xx"
	Refused             map[string]uint64 `json:"refused"`          // requests and connections by reason
	RequestTimeouts     uint64            `json:"request_timeouts"` // answered 504
	IdleTimeouts        uint64            `json:"idle_timeouts"`    // connections closed between two requests
	Upgraded            uint64            `json:"upgraded"`         // connections that speak another protocol now
	UpgradedEver        uint64            `json:"upgraded_ever"`    // and how many have begun to
	UpgradeTimeouts     uint64            `json:"upgrade_timeouts"` // of them: cut because they rested too long
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
	Retried             uint64            `json:"retried"`    // re-dispatched although a handler may have run
	TakenBack           uint64            `json:"taken_back"` // from workers that were stuck
	Lost                uint64            `json:"lost"`       // failed because their worker died
	Violations          uint64            `json:"violations"`
	Allocations         uint64            `json:"allocations"` // heap allocations of the loop
	Iterations          uint64            `json:"iterations"`
	AccessDropped       uint64            `json:"access_dropped"` // access records for which there was no room
	Latency             Latency           `json:"latency"`
}

// Latency is how long requests took whose answers were sent whole.
type Latency struct {
	Queue   Histogram `json:"queue"`   // from the head of the request until a handler began
	Handler Histogram `json:"handler"` // from there until the head of the answer
	Total   Histogram `json:"total"`   // from the head of the request until the last byte was handed to the kernel
}

// Histogram counts times by bucket (Stats.LatencyBounds).
type Histogram struct {
	SumNanoseconds uint64   `json:"sum_ns"`
	Counts         []uint64 `json:"counts"` // of each bucket alone, up to the last that is not 0
}

// LaneStats are the counters of one lane: a worker's rings with one loop. Bytes unless stated.
type LaneStats struct {
	Worker             uint64            `json:"worker"`
	Loop               int               `json:"loop"`
	State              string            `json:"state"` // standby, active, draining, dead
	Slots              int               `json:"slots"` // of the inbound ring
	ExchangeSlots      int               `json:"exchange_slots"`
	Depth              uint64            `json:"depth"` // events published and not acknowledged
	HighWater          uint64            `json:"high_water"`
	Published          uint64            `json:"published"`
	Acknowledged       uint64            `json:"acknowledged"`
	Completed          uint64            `json:"completed"` // exchanges
	Answers            map[string]uint64 `json:"answers"`   // the worker's, by class: "2xx"
	Cancelled          uint64            `json:"cancelled"` // CANCEL events sent
	WakeupsSent        uint64            `json:"wakeups_sent"`
	WakeupsAvoided     uint64            `json:"wakeups_avoided"`
	FullStalls         uint64            `json:"full_stalls"`
	InFlight           uint64            `json:"in_flight"` // exchange slots in use
	ArenaBytes         uint64            `json:"arena_bytes"`
	ArenaBytesInUse    uint64            `json:"arena_bytes_in_use"`
	ArenaHighWater     uint64            `json:"arena_high_water"`
	OutArenaBytesInUse uint64            `json:"out_arena_bytes_in_use"` // answers being sent
	OutArenaHighWater  uint64            `json:"out_arena_high_water"`
}
