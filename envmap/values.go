package envmap

import (
	"context"
	"io"
	"net/netip"
	"strconv"
)

// requestIDField is the field in which the gateway tells the id that it gave.
const requestIDField = "x-request-id"

// present says whether the dictionary has the key. Nothing is decoded for it.
func (s *state) present(k known) bool {
	switch {
	case s.gone.has(k):
		return false
	case s.set.has(k):
		return true
	}
	switch k {
	case kReason, kResponseProtocol, kRequestUser:
		return false
	case kRequestID:
		id, _ := s.block.find(requestIDField)
		return len(id) > 0
	case kUpgrade:
		return s.offersUpgrade()
	case kCapabilities, kTraceOutput:
		return s.properties != nil && s.properties.has(knownNames[k])
	case kRemoteIP, kRemotePort:
		return s.block.Remote().IsValid()
	case kLocalIP, kLocalPort:
		return s.block.Local().IsValid()
	}
	return true
}

// value returns what the dictionary has under the key. Precondition: present.
func (s *state) value(env Env, k known) any {
	if s.set.has(k) {
		return s.values[k]
	}
	switch k {
	case kRequestHeaders, kResponseHeaders:
		return Headers{env: env, key: k}
	case kRequestBody:
		return io.ReadCloser(requestBody{env})
	case kResponseBody:
		return io.WriteCloser(responseBody{env})
	case kStatus:
		return s.response.status
	case kCancelled:
		return s.context()
	case kIsLocal:
		return s.isLocal()
	case kAttempt:
		return int(s.block.Attempt())
	case kCapabilities, kTraceOutput:
		v, _ := s.properties.Get(knownNames[k])
		return v
	case kOnSendingHeaders:
		return env.OnSendingHeaders
	case kSendFile:
		return SendFile(env.sendPath)
	case kUpgrade:
		return Upgrade(env.Upgrade)
	}
	return s.text(k)
}

// text returns the value of a key that holds a string, decoding it when it is asked for the first time.
func (s *state) text(k known) string {
	switch {
	case s.gone.has(k):
		return ""
	case s.set.has(k):
		v, _ := s.values[k].(string)
		return v
	case s.cached.has(k):
		return s.texts[k]
	}
	t := s.decode(k)
	s.texts[k] = t
	s.cached.add(k)
	return t
}

// decode makes the string of a key from the request block.
func (s *state) decode(k known) string {
	switch k {
	case kPathBase, kReason, kResponseProtocol:
		return ""
	case kVersion:
		return Version
	}
	s.decodes++
	switch k {
	case kMethod:
		return s.block.methodText()
	case kPath:
		if p := s.pathView(); len(p) != 1 || p[0] != '/' {
			return string(p)
		}
		return "/"
	case kQuery:
		return string(s.block.Query())
	case kRequestID:
		id, _ := s.block.find(requestIDField)
		return string(id)
	case kScheme:
		return s.block.scheme()
	case kProtocol:
		return s.block.protocol()
	case kRemoteIP:
		return addressText(s.block.Remote())
	case kRemotePort:
		return portText(s.block.Remote())
	case kLocalIP:
		return addressText(s.block.Local())
	case kLocalPort:
		return portText(s.block.Local())
	}
	return ""
}

// view returns the bytes of a string key without an allocation of their own.
func (s *state) view(k known) []byte {
	if !s.gone.has(k) && !s.set.has(k) {
		switch k {
		case kMethod:
			s.decodes++
			return s.block.MethodName()
		case kPath:
			return s.pathView()
		case kQuery:
			s.decodes++
			return s.block.Query()
		}
	}
	return s.hold(s.text(k))
}

// pathView returns the decoded path: a piece of the block where nothing is escaped.
func (s *state) pathView() []byte {
	if s.path == nil {
		s.decodes++
		raw := s.block.Path()
		if !escaped(raw) {
			s.path = raw
		} else {
			from := len(s.scratch)
			s.scratch = appendDecoded(s.scratch, raw)
			s.path = s.scratch[from:len(s.scratch):len(s.scratch)]
		}
	}
	return s.path
}

// hold gives the bytes of t until the exchange ends.
func (s *state) hold(t string) []byte {
	from := len(s.scratch)
	s.scratch = append(s.scratch, t...)
	return s.scratch[from:len(s.scratch):len(s.scratch)]
}

func (s *state) context() context.Context {
	if s.set.has(kCancelled) {
		if ctx, ok := s.values[kCancelled].(context.Context); ok {
			return ctx
		}
	}
	return s.ex.Context()
}

// isLocal says whether the client is on this machine: its address is a loopback one, the server's own, or there is none.
func (s *state) isLocal() bool {
	remote := s.block.Remote()
	if !remote.IsValid() {
		return true
	}
	return remote.Addr().Unmap().IsLoopback() || remote.Addr() == s.block.Local().Addr()
}

func addressText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr().String()
}

func portText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return strconv.Itoa(int(a.Port()))
}

func escaped(raw []byte) bool {
	for _, c := range raw {
		if c == '%' {
			return true
		}
	}
	return false
}
