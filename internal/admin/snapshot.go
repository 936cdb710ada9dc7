package admin

import (
	"time"

	"ringway/internal/accesslog"
	"ringway/internal/engine"
	"ringway/internal/supervisor"
)

// Snapshot is the answer of GET /stats.
type Snapshot struct {
	Gateway   Gateway            `json:"gateway"`
	Listeners []Listener         `json:"listeners"`
	Workers   []Worker           `json:"workers"`
	Releases  []Release          `json:"releases"`
	Loops     []engine.LoopStats `json:"loops"`
	Lanes     []engine.LaneStats `json:"lanes"`
	// LatencyBounds are the upper bounds of the buckets of the loops' histograms in nanoseconds; the last bucket has none.
	LatencyBounds []uint64         `json:"latency_bounds_ns"`
	Supervisor    *Supervisor      `json:"supervisor,omitempty"` // of the active release, only where the gateway starts its workers
	Supervisors   []Supervisor     `json:"supervisors"`          // of all releases that have processes, or may start some
	Changes       Changes          `json:"changes"`
	AccessLog     *accesslog.Stats `json:"access_log,omitempty"` // only where there is one
	Config        *Config          `json:"config,omitempty"`
}

// Gateway is the process itself.
type Gateway struct {
	Pid           int       `json:"pid"`
	Version       string    `json:"version"`
	State         string    `json:"state"`
	Started       time.Time `json:"started"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Admin         string    `json:"admin"`
	Socket        string    `json:"socket"`
	HeapBytes     uint64    `json:"heap_bytes"` // allocated by the native half and not freed, at most 100 ms ago; its free lists included
	Upgrade       *Upgrade  `json:"upgrade,omitempty"`
}

// Upgrade is the last attempt to put another gateway in this one's place.
type Upgrade struct {
	Program string    `json:"program"`
	Pid     int       `json:"pid"`   // 0 if it could not be started
	State   string    `json:"state"` // starting, failed; serving, of the gateway that took over: then Pid is that of the one before
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason,omitempty"` // why it failed
}

// Config is the configuration in force: how often its file was read again while the gateway ran, and what came of it.
type Config struct {
	File         string    `json:"file"`          // empty if there is none
	Loaded       time.Time `json:"loaded"`        // when what is in force was read
	Reloads      uint64    `json:"reloads"`       // that succeeded
	Failures     uint64    `json:"failures"`      // that left everything as it was
	LastError    string    `json:"last_error"`    // of the last reload, empty if it succeeded
	NeedsRestart []string  `json:"needs_restart"` // keys whose value in the file is not the one in force
}

// Configuration is what is in force, and how that came.
type Configuration struct {
	Config
	Values []Value `json:"values"`
}

// Value is one key of the configuration. Of a secret it names the file at most.
type Value struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Origin string `json:"origin"` // "default", "flag", or FILE:LINE
}

// Listener is an address that clients reach.
type Listener struct {
	URL   string `json:"url"`
	Proxy bool   `json:"proxy,omitempty"` // connections begin with a PROXY header
}

// Release is one build of the worker.
type Release struct {
	Number  int       `json:"number"`
	Name    string    `json:"name"`
	State   string    `json:"state"` // warming, active, standby, draining, retired, failed
	Since   time.Time `json:"since"`
	Reason  string    `json:"reason,omitempty"`  // why it failed, or is active again
	Command []string  `json:"command,omitempty"` // of one whose workers the gateway starts
	Workers int       `json:"workers"`
	Ready   int       `json:"ready"`
}

// Worker is one attachment.
type Worker struct {
	ID       uint64    `json:"id"`
	Pid      int       `json:"pid"`
	Uid      uint32    `json:"uid"`
	Release  string    `json:"release"`
	Program  string    `json:"program"`
	State    string    `json:"state"`
	Standby  string    `json:"standby,omitempty"` // why it gets no requests although it may be ready
	Stuck    bool      `json:"stuck"`             // takes no events although some wait
	InFlight uint64    `json:"in_flight"`
	Requests uint64    `json:"requests"`         // that have ended
	Memory   int64     `json:"memory,omitempty"` // bytes of its resident set a moment ago, of one that the gateway has started
	Attached time.Time `json:"attached"`
}

// Changes counts what came of changes of the worker's build, of workers and of the gateway itself. All keys are always there.
type Changes struct {
	// Swaps are those that have ended, by outcome: confirmed; failed; rolled_back, by command while the release before stood by;
	// superseded by another swap. The first release is none.
	Swaps map[string]uint64 `json:"swaps"`
	// Rollbacks are those that have begun, by cause: command, failure (of the release that was being confirmed).
	Rollbacks map[string]uint64 `json:"rollbacks"`
	// Upgrades of the gateway that have ended, by outcome: succeeded, failed. They are handed on, so they count since the first.
	Upgrades map[string]uint64 `json:"upgrades"`
	// Recycled workers by cause: requests, memory, age; failed if the fresh one did not get ready.
	Recycled map[string]uint64 `json:"recycled"`
	// Ended worker processes by whether somebody wanted them to end: asked, unasked.
	Ended map[string]uint64 `json:"ended"`
}

// Supervisor is the state of the worker processes of one release that the gateway starts.
type Supervisor struct {
	Release  string              `json:"release"`
	Program  string              `json:"program"`
	Restarts uint64              `json:"restarts"`
	Slots    []supervisor.Status `json:"slots"`
	// Recycling is how its workers are replaced by fresh ones.
	Recycling Recycling `json:"recycling"`
}

// Recycling is the replacement of workers that are too old, too large, or have served enough.
type Recycling struct {
	Count   uint64    `json:"count"`             // replaced so far
	Worker  uint64    `json:"worker,omitempty"`  // that is being replaced
	Reason  string    `json:"reason,omitempty"`  // why
	Since   time.Time `json:"since,omitzero"`    // when that began
	Failure string    `json:"failure,omitempty"` // why the last replacement failed
	Next    time.Time `json:"next,omitzero"`     // it is tried again then
}
