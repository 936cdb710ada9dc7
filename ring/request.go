package ring

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Request reads a request block in place. Every accessor checks the offsets it uses; a span that leaves the block
// reads as empty. Views borrow the block's bytes.
type Request struct {
	block []byte
}

// Offsets inside a request head; layout_unsafe.go ties them to RequestHead.
const (
	atHeaderCount   = 4
	atMethod        = 6
	atVersion       = 7
	atScheme        = 8
	atBodyKind      = 9
	atFlags         = 10
	atAttempt       = 11
	atContentLength = 16
	atMethodName    = 24
	atTarget        = 32
	atPath          = 40
	atQuery         = 48
	atAuthority     = 56
	atRemote        = 64
	atLocal         = 84
)

// ParseRequest checks the fixed parts of a request block: its size, its field index and every span.
func ParseRequest(block []byte) (Request, error) {
	if len(block) < requestHeadSize {
		return Request{}, fmt.Errorf("%w: request block of %d bytes, want at least %d", ErrFault, len(block), requestHeadSize)
	}
	if size := binary.LittleEndian.Uint32(block); uint64(size) != uint64(len(block)) {
		return Request{}, fmt.Errorf("%w: request block says %d bytes, its reference %d", ErrFault, size, len(block))
	}
	r := Request{block}
	if text := r.textStart(); text > len(block) {
		return Request{}, fmt.Errorf("%w: %d fields need %d bytes, the request block has %d", ErrFault, r.FieldCount(), text, len(block))
	}
	for _, at := range [...]int{atMethodName, atTarget, atPath, atQuery, atAuthority} {
		if !r.spanFits(uint64(r.u32(at)), uint64(r.u32(at+4))) {
			return Request{}, fmt.Errorf("%w: span at %d is %d+%d in a block of %d", ErrFault, at, r.u32(at), r.u32(at+4), len(block))
		}
	}
	for i := range r.FieldCount() {
		f := block[requestHeadSize+i*fieldSize:][:fieldSize]
		nameFits := r.spanFits(uint64(binary.LittleEndian.Uint32(f)), uint64(binary.LittleEndian.Uint16(f[4:])))
		valueFits := r.spanFits(uint64(binary.LittleEndian.Uint32(f[8:])), uint64(binary.LittleEndian.Uint32(f[12:])))
		if !nameFits || !valueFits || binary.LittleEndian.Uint16(f[6:]) >= uint16(NameCount) {
			return Request{}, fmt.Errorf("%w: field %d of a request block of %d bytes is %x", ErrFault, i, len(block), f)
		}
	}
	return r, nil
}

func (r Request) u32(at int) uint32 { return binary.LittleEndian.Uint32(r.block[at:]) }

func (r Request) spanFits(offset, length uint64) bool { return offset+length <= uint64(len(r.block)) }

// view gives a span; anything outside the block reads as empty, so that a block that changed after ParseRequest can
// do no harm.
func (r Request) view(offset, length uint64) []byte {
	if !r.spanFits(offset, length) {
		return nil
	}
	return r.block[offset : offset+length : offset+length]
}

func (r Request) span(at int) []byte { return r.view(uint64(r.u32(at)), uint64(r.u32(at+4))) }

// textStart is the first byte behind the field index.
func (r Request) textStart() int { return requestHeadSize + r.FieldCount()*fieldSize }

// Valid reports whether r was made by ParseRequest.
func (r Request) Valid() bool { return r.block != nil }

// FieldCount is the number of header fields.
func (r Request) FieldCount() int { return int(binary.LittleEndian.Uint16(r.block[atHeaderCount:])) }

// Method is the well-known number of the method, MethodOther if it has none.
func (r Request) Method() uint8 { return r.block[atMethod] }

// Version is major * 16 + minor.
func (r Request) Version() uint8 { return r.block[atVersion] }

// HTTPS reports whether the client's connection is protected.
func (r Request) HTTPS() bool { return r.block[atScheme] == 1 }

// BodyKind is BodyNone, BodyLength or BodyChunked.
func (r Request) BodyKind() uint8 { return r.block[atBodyKind] }

// Flags are the RequestExpectContinue, RequestClose and RequestUpgrade bits.
func (r Request) Flags() uint8 { return r.block[atFlags] }

// Attempt is 1 when the request was given to another worker before.
func (r Request) Attempt() uint8 { return r.block[atAttempt] }

// ContentLength is the declared length of the body; -1 if it is told by its end only.
func (r Request) ContentLength() int64 {
	switch n := binary.LittleEndian.Uint64(r.block[atContentLength:]); {
	case r.BodyKind() == BodyNone:
		return 0
	case r.BodyKind() == BodyLength && n < 1<<63:
		return int64(n)
	}
	return -1
}

// MethodName is the method as received.
func (r Request) MethodName() []byte { return r.span(atMethodName) }

// Target is the request target as received.
func (r Request) Target() []byte { return r.span(atTarget) }

// Path is the path of the target, still percent-encoded.
func (r Request) Path() []byte { return r.span(atPath) }

// Query is the query of the target without its question mark.
func (r Request) Query() []byte { return r.span(atQuery) }

// Authority is the authority of an absolute target, else the Host value.
func (r Request) Authority() []byte { return r.span(atAuthority) }

// Field gives header field i in order of arrival; name is as received also when id is known.
// Preconditions: 0 <= i < FieldCount().
func (r Request) Field(i int) (id Name, name, value []byte) {
	from := requestHeadSize + i*fieldSize
	if i < 0 || from+fieldSize > len(r.block) {
		return NameOther, nil, nil
	}
	f := r.block[from:][:fieldSize]
	id = Name(binary.LittleEndian.Uint16(f[6:]))
	name = r.view(uint64(binary.LittleEndian.Uint32(f)), uint64(binary.LittleEndian.Uint16(f[4:])))
	value = r.view(uint64(binary.LittleEndian.Uint32(f[8:])), uint64(binary.LittleEndian.Uint32(f[12:])))
	return id, name, value
}

// Remote is the client's end of its connection; invalid for a unix socket.
func (r Request) Remote() netip.AddrPort { return r.endpoint(atRemote) }

// Local is the gateway's end of the client's connection; invalid for a unix socket.
func (r Request) Local() netip.AddrPort { return r.endpoint(atLocal) }

func (r Request) endpoint(at int) netip.AddrPort {
	e := r.block[at:][:20]
	port := binary.LittleEndian.Uint16(e[2:])
	switch e[0] {
	case 4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(e[4:8])), port)
	case 6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(e[4:20])), port)
	}
	return netip.AddrPort{}
}

// Bytes is the whole block.
func (r Request) Bytes() []byte { return r.block }

// CopyText copies the block's bytes into one string and gives a reader whose strings share it; they stay valid when
// the block is returned.
func (r Request) CopyText() RequestText {
	from := r.textStart()
	return RequestText{text: string(r.block[from:]), base: uint64(from)}
}

// ExpectsContinue looks at one flag of a request block that was not parsed yet.
func ExpectsContinue(block []byte) bool {
	return len(block) > atFlags && block[atFlags]&RequestExpectContinue != 0
}
