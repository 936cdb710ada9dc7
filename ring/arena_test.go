package ring

import (
	"math/rand/v2"
	"testing"
)

func TestArenaLowestFirst(t *testing.T) {
	a := NewArena(128)
	for _, step := range []struct {
		order uint
		unit  int
	}{{0, 0}, {0, 1}, {1, 2}, {2, 4}, {0, 8}, {3, 16}, {6, 64}, {5, 32}, {2, 12}, {0, 9}, {1, 10}} {
		h, ok := a.Alloc(step.order)
		if !ok || h.Unit() != step.unit || h.Order() != step.order {
			t.Fatalf("order %d: got unit %d order %d ok=%v, want unit %d", step.order, h.Unit(), h.Order(), ok, step.unit)
		}
	}
	if _, ok := a.Alloc(6); ok {
		t.Fatal("order 6 in a full arena was granted")
	}
	if err := a.Free(MakeHandle(2, 1)); err != nil {
		t.Fatal(err)
	}
	if h, ok := a.Alloc(0); !ok || h.Unit() != 2 {
		t.Fatalf("got %v %v, want unit 2", h, ok)
	}
}

func TestArenaRefusesWrongHandles(t *testing.T) {
	a := NewArena(64)
	h, _ := a.Alloc(2)
	for _, bad := range []Handle{MakeHandle(0, 7), MakeHandle(1, 1), MakeHandle(64, 0), MakeHandle(0, 1), MakeHandle(8, 0), 0xffffffff} {
		if err := a.Free(bad); err == nil {
			t.Errorf("handle %#x was taken back", uint32(bad))
		}
	}
	if err := a.Free(h); err != nil {
		t.Fatal(err)
	}
	if err := a.Free(h); err == nil {
		t.Fatal("a block was taken back twice")
	}
}

// A random run against a plain list of units: no overlap, nothing lost, free memory of a unit is always found.
func TestArenaRandom(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	const units = 64 * 130
	a := NewArena(units)
	owned := make([]bool, units)
	var lent []Handle
	used := 0
	for step := range 60000 {
		if rng.IntN(100) < 52 {
			order := uint(rng.IntN(MaxOrder + 1))
			h, ok := a.Alloc(order)
			if !ok {
				if order == 0 && used < units {
					t.Fatalf("seed %d step %d: no unit found with %d of %d used", seed, step, used, units)
				}
				continue
			}
			if err := h.check(units); err != nil {
				t.Fatal(err)
			}
			for u := h.Unit(); u < h.Unit()+1<<order; u++ {
				if owned[u] {
					t.Fatalf("seed %d step %d: unit %d given twice", seed, step, u)
				}
				owned[u] = true
			}
			used += 1 << order
			lent = append(lent, h)
		} else if len(lent) > 0 {
			i := rng.IntN(len(lent))
			h := lent[i]
			lent[i] = lent[len(lent)-1]
			lent = lent[:len(lent)-1]
			if err := a.Free(h); err != nil {
				t.Fatal(err)
			}
			for u := h.Unit(); u < h.Unit()+1<<h.Order(); u++ {
				owned[u] = false
			}
			used -= 1 << h.Order()
		}
		if a.InUse() != used {
			t.Fatalf("in use %d, want %d", a.InUse(), used)
		}
	}
	for _, h := range lent {
		if err := a.Free(h); err != nil {
			t.Fatal(err)
		}
	}
	for range units / 64 {
		if _, ok := a.Alloc(MaxOrder); !ok {
			t.Fatal("freed units did not merge")
		}
	}
}

func BenchmarkArena(b *testing.B) {
	a := NewArena(4096)
	for b.Loop() {
		h, _ := a.Alloc(0)
		_ = a.Free(h)
	}
}
