//go:build stress

package sockets

import "testing"

// TestStressThousandClients: each has several goroutines that send.
func TestStressThousandClients(t *testing.T) {
	g := start(t, "--loops", "2", "--workers", "2")
	many(t, g, 1000, 4, 50)
	stop(t, g)
}
