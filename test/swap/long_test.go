//go:build stress

package swap

import (
	"os"
	"testing"
	"time"
)

// TestStressKills waits longer and longer for the next worker, as the supervisor does.
func TestStressKills(t *testing.T) { killTheOnlyWorker(t, 20) }

// TestStressPosts is the same with POSTs.
func TestStressPosts(t *testing.T) { postsAreRunOnce(t, 20) }

// TestStressSoak lasts 15 minutes, or what RINGWAY_SWAP_SOAK says.
func TestStressSoak(t *testing.T) {
	duration, err := time.ParseDuration(os.Getenv("RINGWAY_SWAP_SOAK"))
	if err != nil {
		duration = 15 * time.Minute
	}
	soak(t, duration)
}
