package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

const mostBytes = 1 << 20

// unescape resolves the escapes of a line.
func unescape(text string) ([]byte, error) {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		if i++; i == len(text) {
			return nil, fmt.Errorf("%q ends in a backslash", text)
		}
		switch text[i] {
		case 'r':
			out = append(out, '\r')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case '\\':
			out = append(out, '\\')
		case 'x':
			n, err := strconv.ParseUint(text[i+1:min(i+3, len(text))], 16, 8)
			if err != nil || len(text) < i+3 {
				return nil, fmt.Errorf(`%q: want \xHH`, text[i-1:])
			}
			out = append(out, byte(n))
			i += 2
		case '{':
			inside, _, closed := strings.Cut(text[i+1:], "}")
			count, repeated, _ := strings.Cut(inside, ":")
			n, err := strconv.Atoi(count)
			if err != nil || !closed {
				return nil, fmt.Errorf(`%q: want \{count:text}`, text[i-1:])
			}
			piece, err := unescape(repeated)
			if err != nil {
				return nil, err
			}
			if n < 0 || n*len(piece) > mostBytes {
				return nil, fmt.Errorf(`%q: want at most %d bytes`, text[i-1:], mostBytes)
			}
			out = append(out, bytes.Repeat(piece, n)...)
			i += 1 + len(inside)
		default:
			return nil, fmt.Errorf(`unknown escape %q`, text[i-1:i+1])
		}
	}
	return out, nil
}
