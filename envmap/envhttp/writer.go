package envhttp

import (
	"io"
	"net/http"

	"ringway/envmap"
)

// body is the request body, of which Close does nothing.
type body struct{ io.Reader }

// Close implements io.Closer.
func (body) Close() error { return nil }

// writer is an Env as an http.ResponseWriter.
type writer struct {
	env    envmap.Env
	out    io.Writer // owin.ResponseBody as it was before an App further in had it
	header http.Header
	status int // 0 before WriteHeader
	err    error
}

var (
	_ http.Flusher    = (*writer)(nil)
	_ io.StringWriter = (*writer)(nil)
	_ io.ReaderFrom   = (*writer)(nil)
)

func newWriter(env envmap.Env) *writer {
	w := &writer{env: env, header: http.Header{}}
	v, _ := env.Get(envmap.KeyResponseBody)
	w.out, _ = v.(io.Writer)
	if w.out == nil {
		w.out = env
	}
	for name, values := range env.ResponseHeaders().All() {
		key := http.CanonicalHeaderKey(name)
		w.header[key] = append(w.header[key], values...)
	}
	return w
}

// Header implements http.ResponseWriter.
func (w *writer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. Interim responses are left out.
func (w *writer) WriteHeader(status int) {
	if w.status != 0 || status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	w.status = status
	fields := make(http.Header, len(w.header))
	for name, values := range w.header {
		if len(values) > 0 {
			fields[name] = values
		}
	}
	if w.err = w.env.SetStatus(status); w.err == nil {
		w.err = w.env.Set(envmap.KeyResponseHeaders, fields.Clone())
	}
}

// ready fixes the head before p, the first of the body; net/http looks at it for the type.
func (w *writer) ready(p []byte) error {
	if w.status == 0 {
		_, typed := w.header["Content-Type"]
		if !typed && w.header.Get("Content-Encoding") == "" && w.header.Get("Transfer-Encoding") == "" && len(p) > 0 {
			w.header.Set("Content-Type", http.DetectContentType(p))
		}
		w.WriteHeader(http.StatusOK)
	}
	return w.err
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	if err := w.ready(p); err != nil {
		return 0, err
	}
	return w.out.Write(p)
}

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) {
	if err := w.ready([]byte(s[:min(len(s), 512)])); err != nil {
		return 0, err
	}
	return io.WriteString(w.out, s)
}

// ReadFrom implements io.ReaderFrom.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if w.status != 0 || len(w.header["Content-Type"]) > 0 {
		if err := w.ready(nil); err != nil {
			return 0, err
		}
		return w.copy(r)
	}
	var first [512]byte
	n, err := io.ReadAtLeast(r, first[:], 1)
	if err != nil {
		if err == io.EOF {
			err = nil
		}
		return 0, err
	}
	if _, err := w.Write(first[:n]); err != nil {
		return int64(n), err
	}
	rest, err := w.copy(r)
	return int64(n) + rest, err
}

// copy uses response memory in place unless an App further in is writing.
func (w *writer) copy(r io.Reader) (int64, error) {
	v, _ := w.env.Get(envmap.KeyResponseBody)
	if _, nested := v.(*through); nested {
		return io.Copy(w.out, r)
	}
	return w.env.ReadFrom(r)
}

// Flush implements http.Flusher.
func (w *writer) Flush() { _ = w.FlushError() }

// FlushError is what http.ResponseController calls.
func (w *writer) FlushError() error {
	if err := w.ready(nil); err != nil {
		return err
	}
	if f, ok := w.out.(interface{ Flush() error }); ok {
		return f.Flush()
	}
	return nil
}

// end gives the head of a handler that has written nothing to the environment, which others may still change.
func (w *writer) end() error { return w.ready(nil) }
