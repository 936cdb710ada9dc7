//go:build stress

package upgrade

import (
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"ringway/internal/admin"
	"ringway/test/e2e/system"
)

const stressUpgrades = 20

// TestStressUpgrades puts gateway after gateway in the place of the last under 64 connections of GETs, and kills a worker of
// the old one while the new one starts, and one of the new one once it serves: not one request is lost.
func TestStressUpgrades(t *testing.T) {
	for name, supervised := range map[string]bool{"supervised": true, "by themselves": false} {
		t.Run(name, func(t *testing.T) {
			const workers = 3
			flags := []string{"--loops", "2", "--queue-deadline", "1m"}
			if supervised {
				flags = append(flags, "--workers", "3")
			}
			g := start(t, system.Options{Supervised: supervised, Flags: flags})
			for range workers {
				if !supervised {
					g.StartWorker("--release", "r1")
				}
			}
			g.WaitReady(workers)
			crowd := gatherKind(t, clients, true, g.addresses())
			killed := 0
			kill := func() (pid int) {
				all := g.Stats().Workers
				w := all[rand.IntN(len(all))]
				signal(t, w.Pid, syscall.SIGKILL)
				killed++
				if !supervised {
					g.StartWorker("--release", "r1")
				}
				return w.Pid
			}
			for i := range stressUpgrades {
				crowd.waitForEach()
				if t.Failed() {
					break
				}
				if supervised {
					kill() // of the old one's, which the new one has nothing to do with
				}
				g.upgrade(i%2 == 1)
				crowd.waitForEach()
				g.waitAlone()
				g.WaitReady(workers)
				dead := kill()
				system.Eventually(t, "another worker has come for the one that was killed", func() bool {
					all := g.Stats().Workers
					return g.Ready() == workers && !slices.ContainsFunc(all, func(w admin.Worker) bool { return w.Pid == dead })
				})
			}
			crowd.waitForEach()
			g.waitAlone()
			crowd.disperse()
			t.Logf("%d upgrades, %d workers killed", len(g.pids)-1, killed)
			expectNoMoreDescriptors(t, g)
			g.finish()
		})
	}
}
