//go:build !race

package bridge

import (
	"net/http"
	"testing"

	"ringway/envmap"
)

// The race detector allocates for itself, so this is built without it only.
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		h    http.Handler
		app  envmap.App
		most float64
	}{{"env", nil, helloEnv, 0}, {"handler", hello, nil, 9}} {
		s := newStepper(t, c.h, c.app, browser)
		for range 300 {
			s.step()
		}
		if got := testing.AllocsPerRun(2000, func() { s.step() }); got > c.most {
			t.Errorf("%s: %v allocations per request, want at most %v", c.name, got, c.most)
		}
	}
}
