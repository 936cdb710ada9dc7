// Package requestblock makes request blocks as the gateway does, for requests that come from elsewhere: from a test, or
// from a server of net/http.
package requestblock

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"ringway/ring"
)

// Text is what the head of a request block refers to.
type Text struct {
	Method, Target, Path, Query, Authority string
}

// Field is a field line.
type Field struct{ Name, Value string }

var methods = map[string]uint8{
	"GET": ring.MethodGet, "HEAD": ring.MethodHead, "POST": ring.MethodPost, "PUT": ring.MethodPut,
	"DELETE": ring.MethodDelete, "OPTIONS": ring.MethodOptions, "PATCH": ring.MethodPatch,
	"TRACE": ring.MethodTrace, "CONNECT": ring.MethodConnect,
}

// Make returns a request block. Of head, whatever follows from the text and the fields is filled in. The error says which
// text is longer than a block has room for.
func Make(head ring.RequestHead, text Text, fields []Field) ([]byte, error) {
	const mostFields, mostName = 1<<16 - 1, 1<<16 - 1
	if len(fields) > mostFields {
		return nil, fmt.Errorf("requestblock: %d fields, want at most %d", len(fields), mostFields)
	}
	w := writer{base: binary.Size(head) + len(fields)*binary.Size(ring.Field{})}
	head.HeaderCount, head.Method = uint16(len(fields)), methods[text.Method]
	head.MethodName, head.Target = w.put(text.Method), w.put(text.Target)
	head.Path, head.Query = w.put(text.Path), w.put(text.Query)
	head.Authority = w.put(text.Authority)
	var index []byte
	for _, f := range fields {
		if len(f.Name) > mostName {
			return nil, fmt.Errorf("requestblock: field name of %d bytes, want at most %d", len(f.Name), mostName)
		}
		name, value := w.put(f.Name), w.put(f.Value)
		index = append(index, layout(ring.Field{
			NameOffset: name.Offset, NameLength: uint16(name.Length), ID: uint16(ring.LookupName(f.Name)),
			ValueOffset: value.Offset, ValueLength: value.Length,
		})...)
	}
	const most = 1 << 30
	if size := w.base + len(w.text); size > most {
		return nil, fmt.Errorf("requestblock: %d bytes, want at most %d", size, most)
	}
	head.Size = uint32(w.base + len(w.text))
	return append(append(layout(head), index...), w.text...), nil
}

type writer struct {
	base int
	text []byte
}

func (w *writer) put(s string) ring.Span {
	at := w.base + len(w.text)
	w.text = append(w.text, s...)
	return ring.Span{Offset: uint32(at), Length: uint32(len(s))}
}

// layout gives a fixed-width struct as it lies in memory; the layout structs have no implicit padding.
func layout(v any) []byte {
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		panic(fmt.Sprintf("requestblock: %T: %v", v, err)) // the layout structs have fixed sizes
	}
	return b
}

// Endpoint is an address as a block has it; that of none is zero.
func Endpoint(a netip.AddrPort) ring.Endpoint {
	if !a.IsValid() {
		return ring.Endpoint{}
	}
	address := a.Addr().Unmap()
	e := ring.Endpoint{Family: 6, Port: a.Port()}
	if address.Is4() {
		e.Family = 4
	}
	copy(e.Address[:], address.AsSlice())
	return e
}
