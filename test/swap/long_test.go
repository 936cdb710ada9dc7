//go:build stress

package swap

import "testing"

// TestStressKills waits longer and longer for the next worker, as the supervisor does.
func TestStressKills(t *testing.T) { killTheOnlyWorker(t, 20) }

// TestStressPosts is the same with POSTs.
func TestStressPosts(t *testing.T) { postsAreRunOnce(t, 20) }
