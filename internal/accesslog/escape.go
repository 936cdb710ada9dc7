package accesslog

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

const digits = "0123456789abcdef"

// plain reports whether a byte may stand in a quoted text of both formats as it is: printable ASCII, but not the quote
// and the backslash.
func plain(c byte) bool { return c >= ' ' && c <= '~' && c != '"' && c != '\\' }

const ones, highs = 0x0101010101010101, 0x8080808080808080

// hasZero is not 0 if one of x's bytes is.
func hasZero(x uint64) uint64 { return (x - ones) &^ x & highs }

// allPlain reports whether the first eight bytes are plain.
func allPlain(s []byte) bool {
	x := binary.LittleEndian.Uint64(s)
	control := (x - ones*' ') &^ x & highs
	return x&highs|control|hasZero(x^ones*'"')|hasZero(x^ones*'\\')|hasZero(x^ones*0x7f) == 0
}

// plainPrefix is the number of bytes at the beginning that are plain, looked at eight at a time.
func plainPrefix(s []byte) int {
	i := 0
	for i+8 <= len(s) && allPlain(s[i:]) {
		i += 8
	}
	if len(s) >= 8 && i+8 > len(s) && allPlain(s[len(s)-8:]) {
		return len(s)
	}
	for i < len(s) && plain(s[i]) {
		i++
	}
	return i
}

// appendJSON appends the inside of a JSON string, in ASCII: control bytes and everything beyond ASCII are escaped, so
// that a terminal or a tool that reads lines cannot be fooled. Bytes that are not UTF-8 become U+FFFD.
func appendJSON(line, s []byte) []byte {
	for {
		n := plainPrefix(s)
		line = append(line, s[:n]...)
		if n == len(s) {
			return line
		}
		s = s[n:]
		switch c := s[0]; {
		case c == '"' || c == '\\':
			line, s = append(line, '\\', c), s[1:]
		case c < utf8.RuneSelf:
			line, s = appendUnit(line, uint16(c)), s[1:]
		default:
			r, size := utf8.DecodeRune(s)
			if r >= 0x10000 {
				high, low := utf16.EncodeRune(r)
				line = appendUnit(appendUnit(line, uint16(high)), uint16(low))
			} else {
				line = appendUnit(line, uint16(r))
			}
			s = s[size:]
		}
	}
}

func appendUnit(line []byte, u uint16) []byte {
	return append(line, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}

// appendQuoted appends the inside of a quoted text of the combined format: what is not plain becomes \xHH.
func appendQuoted(line, s []byte) []byte {
	for {
		n := plainPrefix(s)
		line = append(line, s[:n]...)
		if n == len(s) {
			return line
		}
		line = append(line, '\\', 'x', digits[s[n]>>4], digits[s[n]&15])
		s = s[n+1:]
	}
}
