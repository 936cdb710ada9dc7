package engine

// Stats is one reading of the counters of the native half. Counters only grow; gauges are named as such.
type Stats struct {
	Loops []LoopStats `json:"loops"`
	Lanes []LaneStats `json:"lanes"`
}

// LoopStats are the counters of one event loop.
type LoopStats struct {
	Index               int               `json:"index"`
	ConnectionsOpen     uint64            `json:"connections_open"` // gauge
	ConnectionsAccepted uint64            `json:"connections_accepted"`
	Requests            uint64            `json:"requests"`
	NativeAnswers       uint64            `json:"native_answers"`
	AnswersByClass      map[string]uint64 `json:"answers_by_class"` // "2xx" ...
	Parked              uint64            `json:"parked"`           // gauge
	ParkedHighWater     uint64            `json:"parked_high_water"`
	Expired             uint64            `json:"expired"`
	Refused             map[string]uint64 `json:"refused"` // malformed requests by reason
	Redispatched        uint64            `json:"redispatched"`
	Violations          uint64            `json:"violations"`
	BytesIn             uint64            `json:"bytes_in"`
	BytesOut            uint64            `json:"bytes_out"`
}

// LaneStats are the counters of one lane: the part of a worker's segments that belongs to one loop.
type LaneStats struct {
	Worker                 uint64 `json:"worker"`
	Loop                   int    `json:"loop"`
	Slots                  uint64 `json:"slots"`
	Depth                  uint64 `json:"depth"` // gauge: inbound events published and not acknowledged
	HighWater              uint64 `json:"high_water"`
	Published              uint64 `json:"published"`
	Acknowledged           uint64 `json:"acknowledged"`
	Completed              uint64 `json:"completed"`
	Cancelled              uint64 `json:"cancelled"`
	InFlight               uint64 `json:"in_flight"` // gauge
	WakeupsSent            uint64 `json:"wakeups_sent"`
	WakeupsAvoided         uint64 `json:"wakeups_avoided"`
	FullStalls             uint64 `json:"full_stalls"`
	ArenaBytesInUse        uint64 `json:"arena_bytes_in_use"` // gauge
	ArenaBytesHighWater    uint64 `json:"arena_bytes_high_water"`
	OutArenaBytesInUse     uint64 `json:"out_arena_bytes_in_use"` // gauge
	OutArenaBytesHighWater uint64 `json:"out_arena_bytes_high_water"`
}
