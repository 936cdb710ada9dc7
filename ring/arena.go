package ring

import (
	"fmt"
	"math/bits"
)

// Arena is the owner's record of an arena: which units are free and which blocks are lent. It holds no memory of the
// arena itself. It is not safe for concurrent use.
//
// A chunk of 64 units is one word of free bits. For each order a summary has one bit per chunk that holds a free
// aligned run of that order, and a top word has one bit per word of the summary, so that the lowest free block of an
// order is found with three bit scans.
type Arena struct {
	units   int
	free    []uint64 // per chunk: bit u set = unit u is free
	orders  []uint8  // per chunk: bit k set = the chunk has a free run of order k
	summary [MaxOrder + 1][]uint64
	top     [MaxOrder + 1]uint64
	lent    []uint8 // per unit: order+1 of the lent block that starts here, else 0
	inUse   int     // units
	high    int     // most units ever in use
}

// NewArena makes an arena of units, a multiple of ChunkUnits up to MaxArenaUnits, all free.
func NewArena(units int) *Arena {
	chunks := units / ChunkUnits
	a := &Arena{units: units, free: make([]uint64, chunks), orders: make([]uint8, chunks), lent: make([]uint8, units)}
	words := (chunks + 63) / 64
	for k := range a.summary {
		a.summary[k] = make([]uint64, words)
	}
	for c := range a.free {
		a.free[c] = ^uint64(0)
		a.update(c)
	}
	return a
}

// starts has, per order, the units of a chunk at which a block may start.
var starts = [MaxOrder + 1]uint64{
	^uint64(0), 0x5555555555555555, 0x1111111111111111, 0x0101010101010101, 0x0001000100010001, 0x0000000100000001, 1,
}

// runs gives the units of a chunk at which an aligned free run of the order starts.
func runs(free uint64, order uint) uint64 {
	for k := range order {
		free &= free >> (1 << k)
	}
	return free & starts[order]
}

// update brings the summaries up to date with the free mask of chunk c.
func (a *Arena) update(c int) {
	var now uint8
	run := a.free[c]
	for k := uint(0); run != 0; k++ {
		now |= 1 << k
		if k == MaxOrder {
			break
		}
		run &= run >> (1 << k)
		run &= starts[k+1]
	}
	changed := now ^ a.orders[c]
	if changed == 0 {
		return
	}
	a.orders[c] = now
	for k := uint(0); changed != 0; k, changed = k+1, changed>>1 {
		if changed&1 == 0 {
			continue
		}
		word := &a.summary[k][c>>6]
		*word ^= 1 << (c & 63)
		if *word != 0 {
			a.top[k] |= 1 << (c >> 6)
		} else {
			a.top[k] &^= 1 << (c >> 6)
		}
	}
}

// Alloc takes the free block of the order with the lowest address; false if there is none.
func (a *Arena) Alloc(order uint) (Handle, bool) {
	if order > MaxOrder || a.top[order] == 0 {
		return 0, false
	}
	w := bits.TrailingZeros64(a.top[order])
	c := w<<6 | bits.TrailingZeros64(a.summary[order][w])
	u := bits.TrailingZeros64(runs(a.free[c], order))
	a.free[c] &^= blockMask(order) << u
	a.update(c)
	unit := c<<6 | u
	a.lent[unit] = uint8(order) + 1
	a.inUse += 1 << order
	a.high = max(a.high, a.inUse)
	return MakeHandle(unit, order), true
}

// Has reports whether Alloc would find a block of the order.
func (a *Arena) Has(order uint) bool { return order <= MaxOrder && a.top[order] != 0 }

// Free takes back a block; an error says why the handle cannot be one that was allocated.
func (a *Arena) Free(h Handle) error {
	if err := h.check(a.units); err != nil {
		return err
	}
	order, unit := h.Order(), h.Unit()
	if got := a.lent[unit]; got != uint8(order)+1 {
		return fmt.Errorf("ring: block of order %d at unit %d came back, but order %d is lent there", order, unit, int(got)-1)
	}
	a.lent[unit] = 0
	c := unit >> 6
	a.free[c] |= blockMask(order) << (unit & 63)
	a.update(c)
	a.inUse -= 1 << order
	return nil
}

func blockMask(order uint) uint64 {
	if order == MaxOrder {
		return ^uint64(0)
	}
	return 1<<(1<<order) - 1
}

// Units is the size of the arena.
func (a *Arena) Units() int { return a.units }

// InUse is the units that are lent now.
func (a *Arena) InUse() int { return a.inUse }

// HighWater is the most units that were ever lent at once.
func (a *Arena) HighWater() int { return a.high }
