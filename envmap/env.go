package envmap

import (
	"context"
	"io"
)

// Env is the environment of one request; see the package comment for how long it is valid.
//
// The typed accessors and the dictionary calls show the same values: what Set assigned to "owin.RequestPath" is what Path
// returns. An accessor of a key that was removed, or that was assigned a value of another type, returns the zero value.
type Env struct {
	s   *state
	gen uint64
}

// lock returns the state, locked, or nil if the exchange has ended.
func (e Env) lock() *state {
	s := e.s
	if s == nil {
		return nil
	}
	s.mu.Lock()
	if s.gen != e.gen {
		s.mu.Unlock()
		return nil
	}
	return s
}

func (e Env) text(k known) string {
	s := e.lock()
	if s == nil {
		return ""
	}
	defer s.mu.Unlock()
	return s.text(k)
}

func (e Env) bytes(k known) []byte {
	s := e.lock()
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	return s.view(k)
}

// Method returns the request method.
func (e Env) Method() string { return e.text(kMethod) }

// MethodBytes is Method, borrowed.
func (e Env) MethodBytes() []byte { return e.bytes(kMethod) }

// Path returns the percent-decoded path below PathBase. Every valid escape is decoded once, %2F and %00 included; "//"
// and "/../" are left as they are.
func (e Env) Path() string { return e.text(kPath) }

// PathBytes is Path, borrowed.
func (e Env) PathBytes() []byte { return e.bytes(kPath) }

// PathBase returns the part of the path that was mapped away before this App; "" or starting with "/".
func (e Env) PathBase() string { return e.text(kPathBase) }

// Target returns the request target as it was received, whatever the dictionary says; RequestURI in package net/http.
func (e Env) Target() string {
	s := e.lock()
	if s == nil {
		return ""
	}
	defer s.mu.Unlock()
	s.decodes++
	return string(s.block.Target())
}

// Query returns the query string as it was received, without "?".
func (e Env) Query() string { return e.text(kQuery) }

// QueryBytes is Query, borrowed.
func (e Env) QueryBytes() []byte { return e.bytes(kQuery) }

// Scheme returns "http" or "https".
func (e Env) Scheme() string { return e.text(kScheme) }

// Protocol returns the version of the request's protocol, such as "HTTP/1.1".
func (e Env) Protocol() string { return e.text(kProtocol) }

// RemoteIP returns the client's address, "" if the connection has none.
func (e Env) RemoteIP() string { return e.text(kRemoteIP) }

// RequestID returns the id that the gateway gave to the request, "" if it gave none.
func (e Env) RequestID() string { return e.text(kRequestID) }

// Header returns the first value of a request field, its name in any case; "" if there is none.
func (e Env) Header(name string) string { return e.RequestHeaders().Get(name) }

// HeaderBytes is Header, borrowed; nil if there is none.
func (e Env) HeaderBytes(name string) []byte {
	s := e.lock()
	if s == nil {
		return nil
	}
	defer s.mu.Unlock()
	return s.fieldView(name)
}

// RequestHeaders returns the request fields.
func (e Env) RequestHeaders() Headers { return Headers{env: e, key: kRequestHeaders} }

// ResponseHeaders returns the response fields.
func (e Env) ResponseHeaders() Headers { return Headers{env: e, key: kResponseHeaders} }

// Body returns the request body. It can be read until the App has returned. The reader is the one thing here that costs an
// allocation, of two words.
func (e Env) Body() io.Reader {
	s := e.lock()
	if s == nil {
		return requestBody{e}
	}
	defer s.mu.Unlock()
	if r, ok := s.values[kRequestBody].(io.Reader); ok {
		return r
	}
	return requestBody{e}
}

// ContentLength returns the length of the request body in bytes, 0 if there is none, -1 if it is not known beforehand.
func (e Env) ContentLength() int64 {
	s := e.lock()
	if s == nil {
		return 0
	}
	defer s.mu.Unlock()
	return s.block.ContentLength()
}

// Context is cancelled when the client is gone, the gateway gave the request up or the worker must stop. It is not
// cancelled when the exchange ends well; on an Env that has ended, Context returns a cancelled one.
func (e Env) Context() context.Context {
	s := e.lock()
	if s == nil {
		return endedContext
	}
	defer s.mu.Unlock()
	return s.context()
}

var endedContext = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(ErrEnded)
	return ctx
}()
