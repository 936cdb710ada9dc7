package ring

import (
	"encoding/binary"
	"fmt"
	"math"
)

// AppendField appends one record of a field list: by number if id is known, else with its name.
// Preconditions: len(name) fits 16 bits and len(value) 32, see FieldFits.
func AppendField(list []byte, id Name, name, value string) []byte {
	var head [listEntrySize]byte
	if id != NameOther {
		name = ""
	}
	binary.LittleEndian.PutUint16(head[0:], uint16(id))
	binary.LittleEndian.PutUint16(head[2:], uint16(len(name)))
	binary.LittleEndian.PutUint32(head[4:], uint32(len(value)))
	list = append(list, head[:]...)
	list = append(list, name...)
	return append(list, value...)
}

// AppendReason begins the field list of an answer with the phrase of its status line (RFC 9112, 4), for a gateway that knows it.
// What is no phrase is left out: one that is longer than ReasonBytes or has bytes other than HTAB, SP, VCHAR and obs-text.
func AppendReason(list []byte, phrase string) []byte {
	if phrase == "" || len(list) != 0 || !IsReason(phrase) {
		return list
	}
	return AppendField(list, NameOther, reasonName, phrase)
}

// reasonName is RING_REASON_NAME.
const reasonName = ":reason"

// IsReason reports whether a text can be sent as the phrase of a status line; it may be empty.
func IsReason(phrase string) bool {
	for i := range len(phrase) {
		if c := phrase[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return len(phrase) <= ReasonBytes
}

// FieldFits reports whether a field can be put into a field list.
func FieldFits(name, value string) bool {
	return len(name) <= math.MaxUint16 && len(value) < MaxBlock
}

// FieldSize is the bytes that AppendField adds.
func FieldSize(id Name, name, value string) int {
	if id != NameOther {
		name = ""
	}
	return listEntrySize + len(name) + len(value)
}

// NextField splits the first record off a field list. Name and value borrow the list's bytes.
func NextField(list []byte) (id Name, name, value, rest []byte, err error) {
	if len(list) < listEntrySize {
		return 0, nil, nil, nil, fmt.Errorf("ring: field list ends after %d bytes of an entry of %d", len(list), listEntrySize)
	}
	id = Name(binary.LittleEndian.Uint16(list[0:]))
	nameLength := uint64(binary.LittleEndian.Uint16(list[2:]))
	valueLength := uint64(binary.LittleEndian.Uint32(list[4:]))
	list = list[listEntrySize:]
	switch {
	case nameLength+valueLength > uint64(len(list)):
		return 0, nil, nil, nil, fmt.Errorf("ring: field of %d+%d bytes, but %d are left in the list", nameLength, valueLength, len(list))
	case id >= NameCount:
		return 0, nil, nil, nil, fmt.Errorf("ring: field number %d, want less than %d", id, NameCount)
	case (id != NameOther) != (nameLength == 0):
		return 0, nil, nil, nil, fmt.Errorf("ring: field number %d with a name of %d bytes", id, nameLength)
	}
	return id, list[:nameLength], list[nameLength : nameLength+valueLength], list[nameLength+valueLength:], nil
}
