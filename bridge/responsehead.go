package bridge

import (
	"net/http"
	"net/textproto"
	"strings"

	"ringway/ring"
)

// takeHead turns the header map into the field list of the response, as it is now: later changes do not count.
func (w *response) takeHead() {
	s := w.sender
	for _, names := range w.header["Trailer"] {
		w.announce(names)
	}
	typed, coded := false, false
	for key, values := range w.header {
		switch key {
		case "Content-Length":
			if len(values) > 0 {
				w.declare(values[0])
			}
			continue
		case "Transfer-Encoding":
			coded = true // the handler wants it unsniffed; framing is the gateway's business
			continue
		case "Connection", "Keep-Alive", "Proxy-Connection":
			continue
		case "Content-Type":
			typed = true
		case "Content-Encoding":
			coded = coded || len(values) > 0 && values[0] != ""
		}
		if w.isTrailer(key) {
			continue
		}
		s.head = appendFields(s.head, key, values)
	}
	s.sniff = !typed && !coded && !s.bare
}

// announce notes the names of a Trailer field, whose values are taken at the end.
func (w *response) announce(names string) {
	for name := range strings.SplitSeq(names, ",") {
		name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
		switch name {
		case "", "Transfer-Encoding", "Content-Length", "Trailer":
		default:
			w.trailers = append(w.trailers, name)
		}
	}
}

// isTrailer reports whether a key of the header map is not for the head.
func (w *response) isTrailer(key string) bool {
	for _, name := range w.trailers {
		if name == key {
			return true
		}
	}
	return strings.HasPrefix(key, http.TrailerPrefix)
}

// trailerList makes the field list of the trailers; empty if there are none.
func (w *response) trailerList() []byte {
	if w.sender.bare {
		return nil
	}
	var list []byte
	for _, name := range w.trailers {
		list = appendFields(list, name, w.header[name])
	}
	for key, values := range w.header {
		if name, ok := strings.CutPrefix(key, http.TrailerPrefix); ok {
			list = appendFields(list, textproto.CanonicalMIMEHeaderKey(name), values)
		}
	}
	return list
}

// appendFields adds the values of one key; a name that is no token is left out, as net/http does.
func appendFields(list []byte, key string, values []string) []byte {
	id := ring.LookupName(key)
	if id == ring.NameOther && !isToken(key) {
		return list
	}
	for _, v := range values {
		v = cleanValue(v)
		if ring.FieldFits(key, v) {
			list = ring.AppendField(list, id, key, v)
		}
	}
	return list
}

// cleanValue keeps a value on one line, as net/http does.
func cleanValue(v string) string {
	if v == "" {
		return v
	}
	for i := 0; i < len(v); i++ {
		if v[i] == '\n' || v[i] == '\r' {
			v = newlines.Replace(v)
			break
		}
	}
	return textproto.TrimString(v)
}

var newlines = strings.NewReplacer("\n", " ", "\r", " ")

// isToken reports whether s is a field name (RFC 9110, 5.6.2).
func isToken(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !tokenByte[s[i]] {
			return false
		}
	}
	return true
}

var tokenByte = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()
