// Package envtest runs an envmap.App in a test, without a gateway: it makes request blocks and records responses.
//
// Preconditions are checked by panics: a test that hands in what no gateway would send is wrong.
package envtest

import (
	"io"
	"net/netip"
	"strings"

	"ringway/envmap"
	"ringway/internal/requestblock"
	"ringway/ring"
)

// Request describes a request. The zero value is "GET /" over HTTP/1.1 from 192.0.2.1:40000 to 192.0.2.2:80.
type Request struct {
	Method  string // "GET" if empty
	Target  string // origin or absolute form; "/" if empty
	Old     bool   // HTTP/1.0
	HTTPS   bool
	Upgrade bool // another protocol is offered, and 101 may be answered
	Fields  []envmap.Field

	Body   io.Reader // nil: no body
	Length int64     // of Body; envmap.LengthUnknown if the gateway would not know it

	Remote, Local netip.AddrPort // the defaults above if zero
	Unix          bool           // the connection has no addresses
}

var (
	defaultRemote = netip.MustParseAddrPort("192.0.2.1:40000")
	defaultLocal  = netip.MustParseAddrPort("192.0.2.2:80")
)

// Block returns the request block that a gateway would make of r.
func (r Request) Block() []byte {
	method, target := r.Method, r.Target
	if method == "" {
		method = "GET"
	}
	if target == "" {
		target = "/"
	}
	head := ring.RequestHead{Version: 0x11}
	if r.Old {
		head.Version = 0x10
	}
	if r.HTTPS {
		head.Scheme = 1
	}
	if r.Upgrade {
		head.Flags = ring.RequestUpgrade
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

	authority, rest := split(target)
	text := requestblock.Text{Method: method, Target: target, Authority: authority}
	text.Path, text.Query, _ = strings.Cut(rest, "?")
	var fields []requestblock.Field
	for _, f := range r.Fields {
		fields = append(fields, requestblock.Field(f))
		if text.Authority == "" && strings.EqualFold(f.Name, "host") {
			text.Authority = f.Value
		}
	}
	block, err := requestblock.Make(head, text, fields)
	if err != nil {
		panic("envtest: " + err.Error())
	}
	return block
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

func endpoint(a, otherwise netip.AddrPort) ring.Endpoint {
	if !a.IsValid() {
		a = otherwise
	}
	return requestblock.Endpoint(a)
}
