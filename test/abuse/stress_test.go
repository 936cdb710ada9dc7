//go:build stress

package abuse

import (
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// crowded is what a crowd may leave: free lists grow to what was in use at a time, which differs from round to round.
var crowded = system.Allowance{Heap: 2 << 20, Private: 32 << 20, Worker: 4 << 20, Goroutines: 64}

// TestStressLeaving: crowds that leave at each stage.
func TestStressLeaving(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			attack{warm: leave(100, ways["close"]), round: leave(100, way), rounds: 10, allowed: crowded, flags: []string{"--queue-deadline", "10m"}}.run(t)
		})
	}
}

// TestStressDripFeeding: 2,000 connections that send a byte a second.
func TestStressDripFeeding(t *testing.T) {
	attack{
		flags: []string{"--exchanges", "4096", "--head-timeout", "10s", "--body-timeout", "10s", "--body-rate", "256"},
		round: dripFeed(2000, time.Second), rounds: 2, allowed: crowded,
	}.run(t)
}

// TestStressConnectionsOpenedAndDropped: 100,000 connections after a first 10,000.
func TestStressConnectionsOpenedAndDropped(t *testing.T) {
	attack{warm: openAndDrop(10_000), round: openAndDrop(100_000), rounds: 1}.run(t)
}

// TestStressPipelinedFlood: 10,000 requests on each of 100 connections.
func TestStressPipelinedFlood(t *testing.T) {
	for name, reads := range map[string]bool{"read": true, "not read": false} {
		t.Run(name, func(t *testing.T) {
			attack{warm: flood(100, 2000, true), round: flood(100, 10_000, reads), rounds: 3, allowed: crowded}.run(t)
		})
	}
}

// TestStressGiants: 50 at once of each.
func TestStressGiants(t *testing.T) {
	attack{flags: limits, round: allGiants(50), rounds: 5, allowed: crowded}.run(t)
}

// TestStressAnswersNeverRead: 500 clients, cut or gone.
func TestStressAnswersNeverRead(t *testing.T) {
	attack{
		flags: []string{"--send-timeout", "3s"}, rounds: 3, allowed: crowded,
		round: neverRead(500, func(t *testing.T, g *system.Gateway) {
			system.Eventually(t, "the last is cut", func() bool { return g.Stats().Loops[0].ConnectionsOpen <= besideClients+1 })
		}),
	}.run(t)
	attack{
		flags: []string{"--send-timeout", "10m"}, rounds: 20, allowed: crowded,
		round: neverRead(500, func(*testing.T, *system.Gateway) {}),
	}.run(t)
}

// TestStressUploadsThatNobodyReads: 500 at once.
func TestStressUploadsThatNobodyReads(t *testing.T) {
	attack{round: unreadUploads(500, "/sleep?ms=1000"), rounds: 5, allowed: crowded}.run(t)
}
