package bridge

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// errHandlerReturned cancels contexts when the handler has returned; their error is context.Canceled as in net/http.
var errHandlerReturned = context.Canceled

// response is the http.ResponseWriter of one request. It may be kept: after its handler has returned, writes fail.
type response struct {
	mu     sync.Mutex // the handler may hand the writer to other goroutines, even if they outlive it
	ex     *exchange
	sender *sender // usable until ended
	ended  bool

	generation uint32
	requestID  string // for logs; empty without one

	header      http.Header
	wroteHeader bool
	status      int
	isHead      bool
	hijacked    bool
	reserved    bool
	declared    int64 // Content-Length set by the handler, -1 if none
	written     int64
	trailers    []string // keys announced by a Trailer field
}

var (
	_ http.ResponseWriter = (*response)(nil)
	_ http.Flusher        = (*response)(nil)
	_ io.ReaderFrom       = (*response)(nil)
	_ io.StringWriter     = (*response)(nil)
	_ BlockWriter         = (*response)(nil)
	_ http.Hijacker       = (*response)(nil)
)

// Header gives the fields of the response; WriteHeader takes them.
func (w *response) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// WriteHeader fixes status and fields, or sends an interim response if the status is 1xx.
func (w *response) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeader(status)
}

func (w *response) writeHeader(status int) {
	if w.ended {
		return
	}
	if w.wroteHeader || w.hijacked {
		w.log(slog.LevelWarn, "ringway: superfluous WriteHeader", "status", status)
		return
	}
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		w.inform(status)
		return
	}
	w.wroteHeader = true
	w.status = status
	s := w.sender
	s.status = uint16(status)
	s.bare = w.isHead || !w.bodyAllowed()
	w.takeHead()
}

// inform sends an interim response.
func (w *response) inform(status int) {
	if status == http.StatusContinue {
		l := w.ex.lane
		l.lock()
		_ = w.ex.askBody(w.sender.generation) // 100 is for the gateway to send
		l.unlock()
		return
	}
	var list []byte
	for key, values := range w.header {
		if key != "Content-Length" && key != "Transfer-Encoding" {
			list = appendFields(list, key, values)
		}
	}
	_ = w.sender.informed(uint16(status), list) // the interim response is lost; the final one will tell
}

// bodyAllowed reports whether the status may have a body (RFC 9110, 6.4.1).
func (w *response) bodyAllowed() bool { return w.status != 204 && w.status != 304 && w.status >= 200 }

// Write adds to the body.
func (w *response) Write(p []byte) (int, error) { return write(w, p) }

// WriteString adds to the body.
func (w *response) WriteString(p string) (int, error) { return write(w, p) }

func write[T string | []byte](w *response, p T) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	skip, err := w.admit(len(p))
	if err != nil || skip {
		if err != nil {
			return 0, err
		}
		return len(p), nil
	}
	if err := send(w.sender, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// admit checks whether n more bytes may be written, and counts them; skip means that they are not sent (HEAD).
func (w *response) admit(n int) (skip bool, err error) {
	if w.ended {
		return false, ErrEnded
	}
	if w.hijacked {
		return false, http.ErrHijacked
	}
	if !w.wroteHeader {
		w.writeHeader(http.StatusOK)
	}
	if w.reserved {
		return false, ErrReserve
	}
	if n == 0 {
		return true, nil
	}
	if !w.bodyAllowed() {
		return false, http.ErrBodyNotAllowed
	}
	w.written += int64(n)
	if w.declared >= 0 && w.written > w.declared {
		return false, http.ErrContentLength
	}
	return w.isHead, nil
}

// Flush sends everything written so far.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError sends everything written so far.
func (w *response) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return ErrEnded
	}
	if w.hijacked {
		return http.ErrHijacked
	}
	if !w.wroteHeader {
		w.writeHeader(http.StatusOK)
	}
	return w.sender.flush()
}

// SetReadDeadline bounds waiting for the request body.
func (w *response) SetReadDeadline(t time.Time) error {
	d := &w.ex.deadlines
	return w.deadline(&d.read, &d.readTimer, t)
}

// SetWriteDeadline bounds waiting for the client to take the response.
func (w *response) SetWriteDeadline(t time.Time) error {
	d := &w.ex.deadlines
	return w.deadline(&d.write, &d.writeTimer, t)
}

func (w *response) deadline(at *time.Time, timer **time.Timer, t time.Time) error {
	l := w.ex.lane
	l.lock()
	defer l.unlock()
	if !w.ex.runs(w.generation) {
		return ErrEnded
	}
	w.ex.setDeadline(at, timer, t)
	return nil
}

// EnableFullDuplex does nothing: reading and writing never wait for each other here.
func (w *response) EnableFullDuplex() error { return nil }

// end completes the response after the handler has returned.
func (w *response) end() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hijacked {
		w.ended = true
		return nil // the connection's Close ends it
	}
	if !w.wroteHeader {
		w.writeHeader(http.StatusOK)
	}
	w.ended = true
	s := w.sender
	if w.status == http.StatusSwitchingProtocols {
		s.abort(502)
		return errNoHijack
	}
	if w.reserved {
		s.abort(500)
		return ErrReserve
	}
	if w.declared >= 0 && w.written < w.declared && !s.bare {
		_ = s.flush() // as far as it got
		s.abort(500)
		return fmt.Errorf("handler wrote %d bytes of a declared Content-Length of %d", w.written, w.declared)
	}
	if w.isHead && w.declared < 0 && w.written > 0 {
		s.total = uint64(w.written)
	}
	err := s.finish(w.trailerList())
	if err != nil {
		s.abort(500)
	}
	return err
}

// abort ends the response badly.
func (w *response) abort(status uint16) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.ended = true
		if !w.hijacked {
			w.sender.abort(status)
		}
	}
}

// declare notes a Content-Length of the handler.
func (w *response) declare(value string) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		w.log(slog.LevelError, "ringway: invalid Content-Length of a handler", "value", value)
		return
	}
	w.declared = n
	if !w.sender.bare || w.isHead {
		w.sender.total = uint64(n)
	}
}
