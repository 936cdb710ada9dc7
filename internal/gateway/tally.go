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

// tally counts changes by what came of them. It belongs to the core.
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

// swapEnded counts a swap, and the rollback that it may have ended in. The first release is no swap.
func (t *tally) swapEnded(s *swap, outcome string) {
	if s.from == nil {
		return
	}
	t.swaps[outcome]++
	switch {
	case outcome == swapRolledBack:
		t.rollbacks[rollbackCommand]++
	case outcome == swapFailed && s.active:
		t.rollbacks[rollbackFailure]++
	}
}

func (t *tally) processEnded(e supervisor.End) {
	if e.Asked {
		t.ended[endAsked]++
	} else {
		t.ended[endUnasked]++
	}
}

func (t *tally) snapshot() admin.Changes {
	return admin.Changes{
		Swaps: maps.Clone(t.swaps), Rollbacks: maps.Clone(t.rollbacks), Upgrades: maps.Clone(t.upgrades),
		Recycled: maps.Clone(t.recycled), Ended: maps.Clone(t.ended),
	}
}
