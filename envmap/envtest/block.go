// Package envtest runs an envmap.App in a test, without a gateway: it makes request blocks and records responses.
//
// Preconditions are checked by panics: a test that hands in what no gateway would send is wrong.
package envtest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"ringway/envmap"
	"ringway/ring"
)

// Request describes a request. The zero value is "GET /" over HTTP/1.1 from 192.0.2.1:40000 to 192.0.2.2:80.
type Request struct {
	Method string // "GET" if empty
	Target string // origin or absolute form; "/" if empty
	Old    bool   // HTTP/1.0
	HTTPS  bool
	Fields []envmap.Field

	Body   io.Reader // nil: no body
	Length int64     // of Body; envmap.LengthUnknown if the gateway would not know it

	Remote, Local netip.AddrPort // the defaults above if zero
	Unix          bool           // the connection has no addresses
}

var (
	defaultRemote = netip.MustParseAddrPort("192.0.2.1:40000")
	defaultLocal  = netip.MustParseAddrPort("192.0.2.2:80")
)

var methods = map[string]uint8{
	"GET": ring.MethodGet, "HEAD": ring.MethodHead, "POST": ring.MethodPost, "PUT": ring.MethodPut,
	"DELETE": ring.MethodDelete, "OPTIONS": ring.MethodOptions, "PATCH": ring.MethodPatch,
	"TRACE": ring.MethodTrace, "CONNECT": ring.MethodConnect,
}

// Block returns the request block that a gateway would make of r.
func (r Request) Block() []byte {
	method, target := r.Method, r.Target
	if method == "" {
		method = "GET"
	}
	if target == "" {
		target = "/"
	}
	head := ring.RequestHead{Method: methods[method], Version: 0x11, HeaderCount: uint16(len(r.Fields))}
	if r.Old {
		head.Version = 0x10
	}
	if r.HTTPS {
		head.Scheme = 1
	}
	if r.Body != nil {
		head.BodyKind, head.ContentLength = ring.BodyLength, uint64(r.Length)
		if r.Length < 0 {
			head.BodyKind, head.ContentLength = ring.BodyChunked, ring.LengthUnknown
		}
	}
	if !r.Unix {
		head.Remote, head.Local = endpoint(r.Remote, defaultRemote), endpoint(r.Local, defaultLocal)
	}

	w := writer{base: binary.Size(head) + len(r.Fields)*binary.Size(ring.Field{})}
	head.MethodName, head.Target = w.put(method), w.put(target)
	authority, rest := split(target)
	path, query, _ := strings.Cut(rest, "?")
	head.Path, head.Query = w.put(path), w.put(query)
	var index []byte
	for _, f := range r.Fields {
		name, value := w.put(f.Name), w.put(f.Value)
		id := ring.LookupName(f.Name)
		if id == ring.NameHost && authority == "" {
			authority = f.Value
		}
		index = append(index, layout(ring.Field{
			NameOffset: name.Offset, NameLength: uint16(name.Length), ID: uint16(id),
			ValueOffset: value.Offset, ValueLength: value.Length,
		})...)
	}
	head.Authority = w.put(authority)
	head.Size = uint32(w.base + len(w.text))
	return append(append(layout(head), index...), w.text...)
}

// split cuts the authority off an absolute-form target; its path is at least "/".
func split(target string) (authority, rest string) {
	_, after, ok := strings.Cut(target, "://")
	if !ok || strings.HasPrefix(target, "/") {
		return "", target
	}
	at := strings.IndexAny(after, "/?")
	switch {
	case at < 0:
		return after, "/"
	case after[at] == '?':
		return after[:at], "/" + after[at:]
	}
	return after[:at], after[at:]
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
		panic(fmt.Sprintf("envtest: %T: %v", v, err))
	}
	return b
}

func endpoint(a, otherwise netip.AddrPort) ring.Endpoint {
	if !a.IsValid() {
		a = otherwise
	}
	e := ring.Endpoint{Family: 6, Port: a.Port()}
	if a.Addr().Is4() {
		e.Family = 4
	}
	copy(e.Address[:], a.Addr().AsSlice())
	return e
}
