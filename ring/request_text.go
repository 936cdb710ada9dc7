package ring

import "encoding/binary"

// RequestText is a copy of a request block's bytes; its methods cut spans out of the copy.
type RequestText struct {
	text string
	base uint64 // offset of text in the block
}

func (t RequestText) cut(offset, length uint64) string {
	// offset - base wraps for an offset inside the head, which then fails the first comparison.
	from := offset - t.base
	if from > uint64(len(t.text)) || length > uint64(len(t.text))-from {
		return ""
	}
	return t.text[from : from+length]
}

func (t RequestText) span(r Request, at int) string {
	return t.cut(uint64(r.u32(at)), uint64(r.u32(at+4)))
}

// MethodName is the method as received.
func (t RequestText) MethodName(r Request) string { return t.span(r, atMethodName) }

// Target is the request target as received.
func (t RequestText) Target(r Request) string { return t.span(r, atTarget) }

// Authority is the authority of an absolute target, else the Host value.
func (t RequestText) Authority(r Request) string { return t.span(r, atAuthority) }

// Field gives header field i in order of arrival.
func (t RequestText) Field(r Request, i int) (id Name, name, value string) {
	f := r.block[requestHeadSize+i*fieldSize:][:fieldSize]
	id = Name(binary.LittleEndian.Uint16(f[6:]))
	if id == NameOther {
		name = t.cut(uint64(binary.LittleEndian.Uint32(f)), uint64(binary.LittleEndian.Uint16(f[4:])))
	}
	return id, name, t.cut(uint64(binary.LittleEndian.Uint32(f[8:])), uint64(binary.LittleEndian.Uint32(f[12:])))
}
