package stress

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// TestBriefly is a short run of every variant.
func TestBriefly(t *testing.T) { everyVariant(t, 50_000) }

// everyVariant splits a number of exchanges between the variants.
func everyVariant(t *testing.T, exchanges uint64) *totals {
	seed, err := strconv.ParseUint(os.Getenv("RINGWAY_STRESS_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	all := newTotals()
	for i, v := range variants {
		t.Run(v.name, func(t *testing.T) { stress(t, v, exchanges/uint64(len(variants)), seed+uint64(i), all) })
	}
	t.Log(&all.counts)
	return all
}
