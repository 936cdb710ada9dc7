//go:build stress

package sockets

import "testing"

// TestThousandClients: each has several goroutines that send.
func TestThousandClients(t *testing.T) {
	g := start(t, "--loops", "2", "--workers", "2")
	many(t, g, 1000, 4, 50)
	stop(t, g)
}
