package envhttp

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"ringway/envmap"
	"ringway/internal/attempt"
)

// Request makes the request of an environment. Nothing in it refers to the exchange, but for the body.
func Request(env envmap.Env) *http.Request {
	r := &http.Request{
		Method:        env.Method(),
		URL:           requestURL(env),
		Proto:         env.Protocol(),
		Header:        http.Header{},
		ContentLength: env.ContentLength(),
		RequestURI:    env.Target(),
		Body:          http.NoBody,
	}
	var ok bool
	if r.ProtoMajor, r.ProtoMinor, ok = http.ParseHTTPVersion(r.Proto); !ok && r.Proto == "HTTP/2" {
		r.ProtoMajor = 2
	}
	for name, values := range env.RequestHeaders().All() {
		if attempt.Says(name) {
			continue // by a client
		}
		key := http.CanonicalHeaderKey(name)
		if key == "Host" {
			r.Host = values[0]
			continue
		}
		r.Header[key] = append(r.Header[key], values...)
	}
	if n, _ := env.Get(envmap.KeyAttempt); n != nil {
		n, _ := n.(int)
		attempt.Tell(r.Header, n)
	}
	if r.ContentLength != 0 {
		r.Body = body{env.Body()}
	}
	if r.ContentLength < 0 {
		r.TransferEncoding = []string{"chunked"}
		r.Header.Del("Transfer-Encoding")
	}
	if env.Scheme() == "https" {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	r.RemoteAddr = remoteAddress(env)
	return r
}

// requestURL is the target as net/http parses it, with what the dictionary changed.
func requestURL(env envmap.Env) *url.URL {
	target := env.Target()
	authority := env.Method() == http.MethodConnect && target != "" && target[0] != '/'
	if authority {
		target = "http://" + target
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{} // a target that net/http would not take; Path and Query say what is meant
	}
	if authority {
		u.Scheme = ""
	}
	if path := env.Path(); path != u.Path && !authority {
		u.Path, u.RawPath = path, ""
	}
	u.RawQuery = env.Query()
	return u
}

func remoteAddress(env envmap.Env) string {
	ip, _ := env.Get(envmap.KeyRemoteIPAddress)
	port, _ := env.Get(envmap.KeyRemotePort)
	if a, ok := ip.(string); ok {
		p, _ := port.(string)
		return net.JoinHostPort(a, p)
	}
	return "@" // what Go calls the unnamed end of a unix socket
}

func parseAddress(ip, port any) (netip.AddrPort, bool) {
	a, ok1 := ip.(string)
	p, ok2 := port.(string)
	if !ok1 || !ok2 {
		return netip.AddrPort{}, false
	}
	parsed, err := netip.ParseAddrPort(net.JoinHostPort(a, p))
	return parsed, err == nil
}
