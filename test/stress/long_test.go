//go:build stress

package stress

import (
	"os"
	"strconv"
	"testing"
)

// TestStressPairs: 10 million exchanges, and every body size in each direction.
func TestStressPairs(t *testing.T) {
	exchanges, err := strconv.ParseUint(os.Getenv("RINGWAY_STRESS_EXCHANGES"), 10, 64)
	if err != nil {
		exchanges = 10_000_000
	}
	all := everyVariant(t, exchanges)
	up, down := all.up.missing(), all.down.missing()
	t.Logf("of %d sizes, %d of request bodies and %d of answers have not occurred", sizeCount, up, down)
	if exchanges >= 10_000_000 && up+down != 0 {
		t.Error("not all sizes have occurred")
	}
}
