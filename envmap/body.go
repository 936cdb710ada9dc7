package envmap

import "io"

// requestBody is an Env seen as its request body.
type requestBody struct{ env Env }

// open returns the state, with a read counted, and the exchange's reader; nil if the exchange has ended.
func (b requestBody) open() (*state, io.Reader) {
	s := b.env.lock()
	if s == nil {
		return nil, nil
	}
	defer s.mu.Unlock()
	s.reads.Add(1)
	return s, s.ex.RequestBody()
}

// Read reads the request body; ErrEnded once the App has returned. Reads of other goroutines that run at that time end
// with an error, and the exchange ends after they did.
func (b requestBody) Read(p []byte) (int, error) {
	s, r := b.open()
	if s == nil {
		return 0, ErrEnded
	}
	defer s.reads.Done()
	return r.Read(p)
}

// WriteTo writes the rest of the body to w, without a copy in between where the exchange can do that; io.Copy uses it.
// The exchange ends after it has returned: w must not block for ever.
func (b requestBody) WriteTo(w io.Writer) (int64, error) {
	s, r := b.open()
	if s == nil {
		return 0, ErrEnded
	}
	defer s.reads.Done()
	return io.Copy(w, r)
}

// Close does nothing: what is left unread is the server's to deal with.
func (b requestBody) Close() error { return nil }

// responseBody is an Env seen as its response body, past any writer that was assigned in front of it.
type responseBody struct{ env Env }

// Write is Env.Write to the exchange itself.
func (b responseBody) Write(p []byte) (int, error) { return b.env.writeBody(p) }

// Flush is Env.Flush of the exchange itself.
func (b responseBody) Flush() error { return b.env.flushBody() }

// Close does nothing, as OWIN has it: the response ends when the App returns.
func (b responseBody) Close() error { return nil }

var (
	_ io.ReadCloser  = requestBody{}
	_ io.WriterTo    = requestBody{}
	_ io.WriteCloser = responseBody{}
	_ io.ReaderFrom  = Env{}
)
