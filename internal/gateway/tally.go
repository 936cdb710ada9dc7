package gateway

import (
	"maps"

	"ringway/internal/admin"
	"ringway/internal/supervisor"
)

// Keys of the counters that GET /stats has under "changes".
const (
	swapConfirmed, swapFailed, swapRolledBack, swapSuperseded = "confirmed", "failed", "rolled_back", "superseded"

	rollbackCommand, rollbackFailure = "command", "failure"

	upgradeSucceeded, upgradeFailed = "succeeded", "failed"

	recycledRequests, recycledMemory, recycledAge, recycledCommand, recycleFailed = "requests", "memory", "age", "command", "failed"

	endAsked, endUnasked = "asked", "unasked"
)

// tally counts changes by what came of them. It belongs to the core; its maps are in snapshots, too, and never change.
type tally struct{ swaps, rollbacks, upgrades, recycled, ended map[string]uint64 }

func newTally() *tally {
	zero := func(keys ...string) map[string]uint64 {
		counts := make(map[string]uint64, len(keys))
		for _, key := range keys {
			counts[key] = 0
		}
		return counts
	}
	return &tally{
		swaps:     zero(swapConfirmed, swapFailed, swapRolledBack, swapSuperseded),
		rollbacks: zero(rollbackCommand, rollbackFailure),
		upgrades:  zero(upgradeSucceeded, upgradeFailed),
		recycled:  zero(recycledRequests, recycledMemory, recycledAge, recycledCommand, recycleFailed),
		ended:     zero(endAsked, endUnasked),
	}
}

// count puts a copy with one more of key in the place of a map.
func count(counts *map[string]uint64, key string) {
	next := maps.Clone(*counts)
	next[key]++
	*counts = next
}

// swapEnded counts a swap, and the rollback that it may have ended in. The first release is no swap.
func (t *tally) swapEnded(s *swap, outcome string) {
	if s.from == nil {
		return
	}
	count(&t.swaps, outcome)
	switch {
	case outcome == swapRolledBack:
		count(&t.rollbacks, rollbackCommand)
	case outcome == swapFailed && s.active:
		count(&t.rollbacks, rollbackFailure)
	}
}

func (t *tally) processEnded(e supervisor.End) {
	if e.Asked {
		count(&t.ended, endAsked)
	} else {
		count(&t.ended, endUnasked)
	}
}

func (t *tally) snapshot() admin.Changes {
	return admin.Changes{Swaps: t.swaps, Rollbacks: t.rollbacks, Upgrades: t.upgrades, Recycled: t.recycled, Ended: t.ended}
}
