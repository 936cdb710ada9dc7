package bridge

import (
	"io"
	"net/http"
	"net/textproto"
	"sync"

	"ringway/ring"
)

// requestBody is the Body of an http.Request. It may be kept: after its handler has returned, reads fail.
type requestBody struct {
	ex         *exchange
	generation uint32
	trailer    *http.Header // where trailers go at the end of the body
	mu         sync.Mutex   // guards filling trailer
	filled     bool
}

var (
	_ io.ReadCloser = (*requestBody)(nil)
	_ io.WriterTo   = (*requestBody)(nil)
)

// Read reads what has arrived and waits if nothing has.
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ex.readBody(b.generation, p)
	if err == io.EOF {
		b.fillTrailer()
	}
	return n, err
}

// WriteTo writes the body to w straight from shared memory; io.Copy uses it.
func (b *requestBody) WriteTo(w io.Writer) (int64, error) {
	n, err := b.ex.copyBody(b.generation, w)
	if err == nil {
		b.fillTrailer()
	}
	return n, err
}

// Close gives up the rest of the body.
func (b *requestBody) Close() error {
	b.ex.closeBody(b.generation)
	return nil
}

func (b *requestBody) fillTrailer() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.filled {
		return
	}
	b.filled = true
	l := b.ex.lane
	l.lock()
	var list []byte
	if b.ex.runs(b.generation) {
		list = b.ex.body.trailers
	}
	l.unlock()
	for len(list) > 0 {
		id, name, value, rest, err := ring.NextField(list)
		if err != nil {
			return
		}
		key := id.Canonical()
		if id == ring.NameOther {
			key = textproto.CanonicalMIMEHeaderKey(string(name))
		}
		if *b.trailer == nil {
			*b.trailer = make(http.Header)
		}
		(*b.trailer)[key] = append((*b.trailer)[key], string(value))
		list = rest
	}
}
