package differential

import (
	"encoding/binary"
	"fmt"
)

// Options of native/test/h1_serve.c.
const (
	smallBuffers = 1 // the socket takes little at a time
	named        = 2 // the gateway has a Server field
	automatic    = 4 // every whole request is answered 200 at once
	watched      = 8 // look whether the connection is reset
)

// step is something that the worker does, in the order of a ring's events, or 'W': the client sends more.
type step struct {
	kind     byte // 'I'nform, 'C'ontinue, 'R'esponse, 'B'ody, 'F'ail, 'W'rite
	exchange byte
	flush    bool // the loop turns behind it
	status   uint16
	end      bool
	total    uint64
	list     []byte // fields or trailers, as in the ring
	body     string
}

// connection is what h1_serve is to play: a client and a worker.
type connection struct {
	options  byte
	seed     uint32 // of the pieces in which the client sends, and of the room that there is for bodies; 0: in one piece
	requests string
	steps    []step
}

func appendText[T string | []byte](out []byte, text T) []byte {
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(text))), text...)
}

func asByte(flag bool) byte {
	if flag {
		return 1
	}
	return 0
}

func (c *connection) encode() []byte {
	out := binary.LittleEndian.AppendUint32([]byte{c.options}, c.seed)
	out = appendText(out, c.requests)
	for i := range c.steps {
		s := &c.steps[i]
		out = append(out, s.kind, s.exchange, asByte(s.flush))
		out = binary.LittleEndian.AppendUint16(out, s.status)
		out = append(out, asByte(s.end))
		out = binary.LittleEndian.AppendUint64(out, s.total)
		out = appendText(appendText(out, s.list), s.body)
	}
	return out
}

// served is what came of a connection.
type served struct {
	requests []verdict // what the worker got of them; Body is accept if one is complete
	ended    bool      // the gateway has ended the connection
	reset    bool      // and the client is told that it is an error
	bytes    string    // that the client got
}

// servedBy reads an answer of h1_serve.
func servedBy(answer string) (*served, error) {
	w := &wire{rest: answer}
	s := &served{}
	for count := w.number(); count > 0 && !w.bad; count-- {
		s.requests = append(s.requests, w.verdict("server"))
	}
	complaint := w.text()
	how := w.byte()
	s.ended, s.reset, s.bytes = how != 0, how == 2, w.text()
	if w.bad || w.rest != "" {
		return nil, fmt.Errorf("h1_serve: answer %q has not the expected form", answer)
	}
	if complaint != "" {
		return s, fmt.Errorf("h1_serve: %s", complaint)
	}
	return s, nil
}

// end is how the connection has ended: "" if it has not.
func (s *served) end() string {
	switch {
	case s.reset:
		return "reset"
	case s.ended:
		return "close"
	}
	return ""
}
