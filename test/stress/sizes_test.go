package stress

import (
	"math/bits"
	"math/rand/v2"
	"sync/atomic"

	"ringway/test/stress/plan"
)

// sizes hands out body sizes of one direction: most are small, and one in walkEvery is the next that has not occurred yet,
// so that in the end all have.
type sizes struct {
	none   int // in a thousand: no body
	walked atomic.Uint64
	done   [plan.MaxSize/64 + 1]atomic.Uint64
	count  atomic.Int64 // of sizes that have occurred in a complete exchange
}

const (
	walkEvery = 24
	sizeCount = plan.MaxSize + 1
)

func (s *sizes) draw(random *rand.Rand) int {
	if random.IntN(walkEvery) == 0 {
		for range 1000 {
			k := s.walked.Add(1)
			size := int(k * 131071 % sizeCount) // visits all
			if s.done[size/64].Load()>>(size%64)&1 == 0 || s.count.Load() == sizeCount {
				return size
			}
		}
	}
	switch n := random.IntN(1000); {
	case n < s.none:
		return 0
	case n < 20+s.none:
		return random.IntN(2 << random.IntN(16))
	default:
		return random.IntN(2 << random.IntN(10))
	}
}

// complete notes a size of an exchange whose ends agreed about it.
func (s *sizes) complete(size int) {
	if word := &s.done[size/64]; word.Load()>>(size%64)&1 == 0 {
		if before := word.Or(1 << (size % 64)); before>>(size%64)&1 == 0 {
			s.count.Add(1)
		}
	}
}

// missing counts the sizes that have not occurred.
func (s *sizes) missing() int {
	n := sizeCount
	for i := range s.done {
		n -= bits.OnesCount64(s.done[i].Load())
	}
	return n
}
