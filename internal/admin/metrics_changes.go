package admin

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	swapsMetric     = define(counter, "swaps_total", "Swaps to another release that have ended, by outcome: confirmed, failed, rolled_back (by command while the release before stood by), superseded.", "outcome")
	rollbacksMetric = define(counter, "rollbacks_total", "Rollbacks to the release before that have begun, by cause: command, failure (of the release that was being confirmed).", "cause")
	upgradesMetric  = define(counter, "upgrades_total", "Upgrades of the gateway that have ended, by outcome; they are handed on from gateway to gateway.", "outcome")
	recycledMetric  = define(counter, "workers_recycled_total", "Workers that were replaced by fresh ones, by cause: requests, memory, age, command; failed: the fresh one did not get ready.", "cause")
	endedMetric     = define(counter, "worker_processes_ended_total", "Worker processes that have ended, by whether somebody wanted them to: asked, unasked.", "how")
)

func collectChanges(to chan<- prometheus.Metric, c *Changes) {
	swapsMetric.sendEach(to, c.Swaps)
	rollbacksMetric.sendEach(to, c.Rollbacks)
	upgradesMetric.sendEach(to, c.Upgrades)
	recycledMetric.sendEach(to, c.Recycled)
	endedMetric.sendEach(to, c.Ended)
}

var (
	restartsMetric = define(counter, "worker_restarts_total", "Worker processes that were started again after one had ended, by release; of releases that have processes.", "release")
	slotsMetric    = define(gauge, "worker_slots", "Slots of worker processes by what they do; breaker_open: nothing runs because it kept ending, trial: one is tried.", "release", "state")
)

// slotStates are those of supervisor.Status.
var slotStates = []string{"starting", "running", "waiting", "breaker open", "trial"}

// collectProcesses adds up what has the same name: a release may have been swapped away from and back to.
func collectProcesses(to chan<- prometheus.Metric, s *Snapshot) {
	started, states := make(map[string]uint64), make(map[string]map[string]uint64)
	for _, crew := range s.Supervisors {
		started[crew.Release] += crew.Restarts
		if states[crew.Release] == nil {
			states[crew.Release] = make(map[string]uint64)
			for _, state := range slotStates {
				states[crew.Release][labelOf(state)] = 0
			}
		}
		for _, slot := range crew.Slots {
			if slices.Contains(slotStates, slot.State) {
				states[crew.Release][labelOf(slot.State)]++
			}
		}
	}
	restartsMetric.sendEach(to, started)
	for release, counts := range states {
		slotsMetric.sendEach(to, counts, release)
	}
}

func labelOf(state string) string { return strings.ReplaceAll(state, " ", "_") }
