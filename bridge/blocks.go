package bridge

import (
	"errors"
	"net/http"
)

// BlockWriter lets a handler fill the shared memory that the response is sent from, without a copy. The response
// writers of this package implement it; [Blocks] finds it behind wrappers.
type BlockWriter interface {
	// Reserve gives at least one and at most n bytes (never more than 64 KiB) to fill. They are borrowed until Commit, and
	// no other call on the writer may come before it.
	Reserve(n int) ([]byte, error)
	// Commit makes the first n bytes of the reserved ones part of the body; the others are not used.
	Commit(n int) error
}

// ErrReserve means that Reserve and Commit did not come in pairs, or that Commit named more than was reserved.
var ErrReserve = errors.New("bridge: Reserve and Commit do not pair")

// Blocks finds the BlockWriter of a response, also behind writers with an Unwrap method as http.ResponseController
// knows them; false if the response is not served by this package, or is written through something without Unwrap.
func Blocks(w http.ResponseWriter) (BlockWriter, bool) {
	for {
		switch t := w.(type) {
		case BlockWriter:
			return t, true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil, false
		}
	}
}

// reserve gives free memory for up to n bytes.
func (s *sender) reserve(n int) ([]byte, error) {
	if n <= 0 {
		return nil, ErrReserve
	}
	room, err := s.room(min(n, 64<<10))
	if err != nil {
		return nil, err
	}
	if len(room) > n {
		room = room[:n:n]
	}
	return room, nil
}

// commit counts n bytes of the block in hand as filled.
func (s *sender) commit(n int) error {
	if s.ended {
		return ErrEnded
	}
	if n < 0 || !s.hasBlock || n > s.block.Size()-s.used {
		return ErrReserve
	}
	s.used += n
	return nil
}
