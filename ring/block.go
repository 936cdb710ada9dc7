package ring

import "fmt"

// Handle names a block: its first unit, and its order in the top byte.
type Handle uint32

// MakeHandle names the block of the given order at a unit.
func MakeHandle(unit int, order uint) Handle { return Handle(uint32(unit) | uint32(order)<<24) }

// Unit is the first unit of the block.
func (h Handle) Unit() int { return int(h & 0xffffff) }

// Order is the power of two of the block's units.
func (h Handle) Order() uint { return uint(h >> 24) }

// Size is the bytes of the block.
func (h Handle) Size() int { return Unit << h.Order() }

// OrderFor is the smallest order whose block holds size bytes; MaxOrder+1 if none does.
func OrderFor(size int) uint {
	order := uint(0)
	for order <= MaxOrder && Unit<<order < size {
		order++
	}
	return order
}

// check says what is wrong with a handle in an arena of the given units.
func (h Handle) check(units int) error {
	order, unit := h.Order(), h.Unit()
	switch {
	case order > MaxOrder:
		return fmt.Errorf("ring: block of order %d, want at most %d", order, MaxOrder)
	case unit&(1<<order-1) != 0:
		return fmt.Errorf("ring: block of order %d at unit %d is not aligned to its size", order, unit)
	case unit+1<<order > units:
		return fmt.Errorf("ring: block of order %d at unit %d lies outside an arena of %d units", order, unit, units)
	}
	return nil
}

// Ref is a piece of a block; the zero length with Block == NoBlock refers to nothing.
type Ref struct {
	Block  uint32
	Offset uint32
	Length uint32
}

// NoRef refers to nothing.
var NoRef = Ref{Block: NoBlock}

// None reports whether the reference has no block, and so nothing to give back.
func (r Ref) None() bool { return r.Block == NoBlock }

// Head is the event's head reference.
func (e *Event) Head() Ref { return Ref{e.HeadBlock, e.HeadOffset, e.HeadLength} }

// Body is the event's body reference.
func (e *Event) Body() Ref { return Ref{e.BodyBlock, e.BodyOffset, e.BodyLength} }

// SetHead sets the event's head reference.
func (e *Event) SetHead(r Ref) { e.HeadBlock, e.HeadOffset, e.HeadLength = r.Block, r.Offset, r.Length }

// SetBody sets the event's body reference.
func (e *Event) SetBody(r Ref) { e.BodyBlock, e.BodyOffset, e.BodyLength = r.Block, r.Offset, r.Length }

// CheckRef says what is wrong with a reference into an arena of the given units.
func CheckRef(r Ref, units int) error {
	if r.None() {
		if r.Offset != 0 || r.Length != 0 {
			return fmt.Errorf("ring: reference to no block has offset %d and length %d, want 0", r.Offset, r.Length)
		}
		return nil
	}
	h := Handle(r.Block)
	if err := h.check(units); err != nil {
		return err
	}
	from, size := uint64(h.Unit())*Unit, uint64(h.Size())
	if uint64(r.Offset) < from || uint64(r.Offset)+uint64(r.Length) > from+size {
		return fmt.Errorf("ring: reference %d+%d lies outside its block %d+%d", r.Offset, r.Length, from, size)
	}
	return nil
}
