package bridge

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"

	"ringway/internal/attempt"
	"ringway/ring"
)

var methodNames = [...]string{
	ring.MethodGet: "GET", ring.MethodHead: "HEAD", ring.MethodPost: "POST", ring.MethodPut: "PUT",
	ring.MethodDelete: "DELETE", ring.MethodOptions: "OPTIONS", ring.MethodPatch: "PATCH",
	ring.MethodTrace: "TRACE", ring.MethodConnect: "CONNECT",
}

// request makes an http.Request out of a request block, as net/http makes one out of a connection. Nothing in it refers
// to the block.
func (w *worker) request(b ring.Request, x *httpExchange) (*http.Request, error) {
	text := b.CopyText()
	remote := b.Remote()
	x.context.local, x.context.attempt = b.Local(), b.Attempt()
	r := http.Request{
		ContentLength: b.ContentLength(),
		RequestURI:    text.Target(b),
		RemoteAddr:    w.remotes.text(remote),
		Host:          text.Authority(b),
		Close:         b.Flags()&ring.RequestClose != 0,
		URL:           &x.url,
	}
	if m := b.Method(); int(m) < len(methodNames) && m != ring.MethodOther {
		r.Method = methodNames[m]
	} else {
		r.Method = text.MethodName(b)
	}
	switch v := b.Version(); v {
	case 0x11:
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	case 0x10:
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0
	default:
		r.ProtoMajor, r.ProtoMinor = int(v>>4), int(v&15)
		r.Proto = fmt.Sprintf("HTTP/%d.%d", r.ProtoMajor, r.ProtoMinor)
	}
	if err := parseTarget(&x.url, r.Method, r.RequestURI); err != nil {
		return nil, err
	}
	if x.url.Host != "" && r.Method != http.MethodConnect {
		r.Host = x.url.Host // RFC 9112, 3.2.2: an absolute target wins over Host
	}
	if b.HTTPS() {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	w.headers(&r, b, text, x)
	switch b.BodyKind() {
	case ring.BodyChunked:
		r.TransferEncoding = []string{"chunked"}
		r.Body = &x.body
	case ring.BodyLength:
		r.Body = &x.body
	}
	if r.ContentLength == 0 {
		r.Body = http.NoBody
	}
	return r.WithContext(&x.context), nil
}

// AttemptHeader is "1" in a request that was given to a handler before, whose worker died; nothing is given to more than
// two. Others do not have it, whatever their client sends.
const AttemptHeader = attempt.Header

// headers fills in the request's header map.
func (w *worker) headers(r *http.Request, b ring.Request, text ring.RequestText, x *httpExchange) {
	n := b.FieldCount()
	header := make(http.Header, n)
	values := make([]string, n) // one array for the values of all names
	for i := range n {
		id, name, value := text.Field(b, i)
		switch id {
		case ring.NameHost, ring.NameTransferEncoding:
			continue
		case ring.NameTrailer:
			announce(r, value)
			continue
		case ring.NameXRequestId:
			x.response.requestID = value // before the handler can change it
			name = id.Canonical()
		case ring.NameOther:
			if attempt.Says(name) {
				continue
			}
			name = textproto.CanonicalMIMEHeaderKey(name)
		default:
			name = id.Canonical()
		}
		if old := header[name]; old != nil {
			header[name] = append(old, value)
			continue
		}
		values[i] = value
		header[name] = values[i : i+1 : i+1]
	}
	if p := header["Pragma"]; len(p) > 0 && p[0] == "no-cache" && header["Cache-Control"] == nil {
		header["Cache-Control"] = []string{"no-cache"} // RFC 7234, 5.4, as net/http does
	}
	attempt.Tell(header, int(b.Attempt()))
	r.Header = header
}

// announce notes the names of a Trailer field; their values come with the end of the body.
func announce(r *http.Request, names string) {
	for name := range strings.SplitSeq(names, ",") {
		name = textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name))
		switch name {
		case "", "Transfer-Encoding", "Trailer", "Content-Length":
			continue
		}
		if r.Trailer == nil {
			r.Trailer = make(http.Header)
		}
		r.Trailer[name] = nil
	}
}

// parseTarget parses a request target as net/http does.
func parseTarget(u *url.URL, method, target string) error {
	if plainTarget(u, target) {
		return nil
	}
	authority := method == http.MethodConnect && !strings.HasPrefix(target, "/")
	if authority {
		target = "http://" + target
	}
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		return fmt.Errorf("request target: %w", err)
	}
	if authority {
		parsed.Scheme = ""
	}
	*u = *parsed
	return nil
}

// plainTarget parses a target whose path is the same escaped and unescaped, which is nearly every one.
func plainTarget(u *url.URL, target string) bool {
	if target == "" || target[0] != '/' {
		return false
	}
	for i := 0; i < len(target); i++ {
		c := target[i]
		if plainByte[c] {
			continue
		}
		if c != '?' {
			return false
		}
		u.Path, u.RawQuery = target[:i], target[i+1:]
		u.ForceQuery = u.RawQuery == ""
		return true
	}
	u.Path = target
	return true
}

// plainByte has the bytes of a path that url.URL writes as they are.
var plainByte = func() (t [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/$&+,:;=@" {
		t[c] = true
	}
	return t
}()

// formatRemote writes an endpoint as net/http does.
func formatRemote(a netip.AddrPort) string {
	if !a.IsValid() {
		return "@" // what Go calls the unnamed end of a unix socket
	}
	return a.String()
}
