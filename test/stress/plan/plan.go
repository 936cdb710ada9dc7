// Package plan is what the two ends of a stress run know of each exchange: everything follows from the request target.
package plan

import (
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"strconv"
)

// MaxSize is the largest body.
const MaxSize = 300 << 10

// Way is how a handler goes about an exchange.
type Way uint8

// Ways.
const (
	Whole       Way = iota // read the body, answer with one Write
	Pieces                 // answer piece by piece, some of them flushed
	Announced              // answer piece by piece after a Content-Length
	InPlace                // fill the shared memory
	Interleaved            // read and answer in turns
	Hinted                 // an interim response first
	Slow                   // wait a little
	Half                   // read only half of the body
	Unread                 // read nothing
	GiveUp                 // end without an answer
	Midway                 // end in the middle of the answer
)

// ReadsAll tells whether the handler sees the whole body.
func (w Way) ReadsAll() bool { return w < Half }

// MayCut tells whether the connection may end because of the handler.
func (w Way) MayCut() bool { return w >= GiveUp }

// Plan is one exchange.
type Plan struct {
	ID       uint64
	Up, Down int // body sizes
	Way      Way
	Sum      uint32 // of the request body
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Update adds bytes to a checksum that starts with 0.
func Update(sum uint32, p []byte) uint32 { return crc32.Update(sum, castagnoli, p) }

const spread = 1 << 20

// text is random bytes; a body is a piece of it at a place that tells the exchange and the direction.
var text = func() []byte {
	b := make([]byte, spread+MaxSize)
	_, _ = rand.NewChaCha8([32]byte{'r', 'i', 'n', 'g'}).Read(b)
	return b
}()

func body(key uint64, n int) []byte {
	at := key * 0x9e3779b1 % spread // different for half a million exchanges after each other
	return text[at : at+uint64(n) : at+uint64(n)]
}

// Request is the body that the client sends. Not to be written to.
func (p *Plan) Request() []byte { return body(2*p.ID, p.Up) }

// Answer is the body that the handler answers with. Not to be written to.
func (p *Plan) Answer() []byte { return body(2*p.ID+1, p.Down) }

// Random are choices that follow from the exchange.
func (p *Plan) Random() *rand.Rand { return rand.New(rand.NewPCG(p.ID, 1)) }

// AppendTarget appends the request target.
func (p *Plan) AppendTarget(b []byte) []byte {
	for _, n := range [...]uint64{p.ID, uint64(p.Up), uint64(p.Down), uint64(p.Way), uint64(p.Sum)} {
		b = strconv.AppendUint(append(b, '/'), n, 16)
	}
	return b
}

var errTarget = errors.New("not the target of a plan")

// Parse reads a request target.
func Parse[T string | []byte](target T) (Plan, error) {
	var n [5]uint64
	field := -1
	for i := range len(target) {
		c := target[i]
		if c == '/' {
			if field++; field == len(n) {
				return Plan{}, errTarget
			}
			continue
		}
		digit := uint64(c - '0')
		if c >= 'a' && c <= 'f' {
			digit = uint64(c-'a') + 10
		}
		if field < 0 || digit > 15 || n[field] >= 1<<60 {
			return Plan{}, errTarget
		}
		n[field] = n[field]<<4 | digit
	}
	if field != len(n)-1 || n[1] > MaxSize || n[2] > MaxSize || n[3] > uint64(Midway) || n[4] > 1<<32-1 {
		return Plan{}, errTarget
	}
	return Plan{ID: n[0], Up: int(n[1]), Down: int(n[2]), Way: Way(n[3]), Sum: uint32(n[4])}, nil
}

// Tally is what a worker says about itself.
type Tally struct {
	Started, Finished uint64 // handlers
	Gone              uint64 // handlers that learned that their client had gone
	GaveUp            uint64 // handlers that gave up
	Twice             uint64 // exchanges served more than once
	Mixed             uint64 // requests that were not what their target says
	BytesIn, BytesOut uint64 // of bodies
	First             string // the first thing that was wrong
}
