package ringtest

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"ringway/ring"
)

// Request is what a test asks for.
type Request struct {
	Method   string   // default GET
	Target   string   // default /
	Fields   []string // name, value, name, value, ...; Host is added if missing
	Body     []byte
	Chunked  bool
	Stream   bool // the body is sent by Exchange.Send and End; with Length >= 0 its length is declared
	Length   int64
	Expect   bool
	HTTPS    bool
	Close    bool
	Upgrade  bool // may be answered 101
	Trailers []string
	Version  uint8 // default 0x11
	Attempt  uint8
	Remote   netip.AddrPort
	Local    netip.AddrPort
}

var methods = map[string]uint8{"GET": 1, "HEAD": 2, "POST": 3, "PUT": 4, "DELETE": 5, "OPTIONS": 6, "PATCH": 7, "TRACE": 8, "CONNECT": 9}

// Encode builds the request block as the gateway would.
func (r *Request) Encode() []byte {
	method, target := r.Method, r.Target
	if method == "" {
		method = "GET"
	}
	if target == "" {
		target = "/"
	}
	fields := r.Fields
	host := ""
	for i := 0; i+1 < len(fields); i += 2 {
		if strings.EqualFold(fields[i], "host") {
			host = fields[i+1]
		}
	}
	if host == "" {
		host = "example.test"
		fields = append([]string{"Host", host}, fields...)
	}
	bodyKind, length := ring.BodyNone, uint64(0)
	switch {
	case r.Chunked || r.Stream && r.Length < 0:
		bodyKind, length = ring.BodyChunked, ring.LengthUnknown
	case r.Stream:
		bodyKind, length = ring.BodyLength, uint64(r.Length)
	case len(r.Body) > 0:
		bodyKind, length = ring.BodyLength, uint64(len(r.Body))
	}
	const head, field = 104, 16
	b := make([]byte, head+field*len(fields)/2)
	le := binary.LittleEndian
	put := func(s string) (uint32, uint32) {
		at := uint32(len(b))
		b = append(b, s...)
		return at, uint32(len(s))
	}
	span := func(at int, s string) {
		offset, n := put(s)
		le.PutUint32(b[at:], offset)
		le.PutUint32(b[at+4:], n)
	}
	le.PutUint16(b[4:], uint16(len(fields)/2))
	b[6] = methods[method]
	b[7] = 0x11
	if r.Version != 0 {
		b[7] = r.Version
	}
	if r.HTTPS {
		b[8] = 1
	}
	b[9] = bodyKind
	if r.Expect {
		b[10] |= ring.RequestExpectContinue
	}
	if r.Close {
		b[10] |= ring.RequestClose
	}
	b[11] = r.Attempt
	if r.Upgrade {
		b[10] |= ring.RequestUpgrade
	}
	le.PutUint64(b[16:], length)
	span(24, method)
	span(32, target)
	rest, authority := target, host
	if _, after, ok := strings.Cut(target, "://"); ok {
		authority, rest = after, "/"
		if i := strings.IndexAny(after, "/?"); i >= 0 {
			authority, rest = after[:i], after[i:]
			if rest[0] == '?' {
				rest = "/" + rest
			}
		}
	}
	path, query, _ := strings.Cut(rest, "?")
	span(40, path)
	span(48, query)
	span(56, authority)
	remote, local := r.Remote, r.Local
	if !remote.IsValid() {
		remote = netip.MustParseAddrPort("192.0.2.1:4711")
	}
	if !local.IsValid() {
		local = netip.MustParseAddrPort("127.0.0.1:8080")
	}
	endpoint(b[64:84], remote)
	endpoint(b[84:104], local)
	for i := 0; i+1 < len(fields); i += 2 {
		at := head + field*i/2
		offset, n := put(fields[i])
		le.PutUint32(b[at:], offset)
		le.PutUint16(b[at+4:], uint16(n))
		le.PutUint16(b[at+6:], uint16(ring.LookupName(fields[i])))
		offset, n = put(fields[i+1])
		le.PutUint32(b[at+8:], offset)
		le.PutUint32(b[at+12:], n)
	}
	le.PutUint32(b, uint32(len(b)))
	return b
}

func endpoint(b []byte, a netip.AddrPort) {
	binary.LittleEndian.PutUint16(b[2:], a.Port())
	if a.Addr().Is4() {
		b[0] = 4
		v := a.Addr().As4()
		copy(b[4:], v[:])
		return
	}
	b[0] = 6
	v := a.Addr().As16()
	copy(b[4:], v[:])
}
