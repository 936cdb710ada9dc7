package envmap

import "bytes"

// appendDecoded appends raw to dst with each valid percent-escape replaced by its byte, once. Escapes of every byte are
// decoded, %2F and %00 too; what is no valid escape stays as it is.
func appendDecoded(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '%')
		if i < 0 || len(raw)-i < 3 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		hi, ok1 := hexDigit(raw[i+1])
		lo, ok2 := hexDigit(raw[i+2])
		if ok1 && ok2 {
			dst = append(dst, hi<<4|lo)
			raw = raw[i+3:]
		} else {
			dst = append(dst, '%')
			raw = raw[i+1:]
		}
	}
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
