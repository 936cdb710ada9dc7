package envhttp

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// Reply describes a whole response of an http.Handler in one chain, which ends with the body: Empty, Bytes, Text, JSON,
// Reader, Stream or File. It is what envmap.Reply is for an Env.
//
//	return envhttp.Respond(w, 201).Header("Location", where).Text("made\n")
//
// The status is sent with the body, so that a chain that ends with an error before that leaves the response open.
type Reply struct {
	w      http.ResponseWriter
	status int
}

// Respond starts a response with a status.
func Respond(w http.ResponseWriter, status int) Reply { return Reply{w, status} }

// Header makes value the only one of a response field.
func (r Reply) Header(name, value string) Reply {
	r.w.Header().Set(name, value)
	return r
}

// AddHeader adds one more line of a response field.
func (r Reply) AddHeader(name, value string) Reply {
	r.w.Header().Add(name, value)
	return r
}

// Type sets Content-Type.
func (r Reply) Type(contentType string) Reply { return r.Header("Content-Type", contentType) }

// Empty ends the chain without a body.
func (r Reply) Empty() error {
	r.w.WriteHeader(r.status)
	return nil
}

// Bytes ends the chain with a body; it is not kept.
func (r Reply) Bytes(body []byte) error {
	r.length(int64(len(body)))
	r.w.WriteHeader(r.status)
	_, err := r.w.Write(body)
	return err
}

// Text ends the chain with a text, as text/plain in UTF-8 unless the chain said otherwise.
func (r Reply) Text(body string) error {
	r.defaultType("text/plain; charset=utf-8").length(int64(len(body)))
	r.w.WriteHeader(r.status)
	_, err := io.WriteString(r.w, body)
	return err
}

// JSON ends the chain with v as encoding/json writes it. A value it cannot write is an error before the first write.
func (r Reply) JSON(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return r.defaultType("application/json").Bytes(append(body, '\n'))
}

// Reader ends the chain with what body gives up to its end. A body that knows its length, as bytes.Reader, bytes.Buffer and
// strings.Reader do, gets a Content-Length.
func (r Reply) Reader(body io.Reader) error {
	if known, ok := body.(interface{ Len() int }); ok {
		r.length(int64(known.Len()))
	}
	r.w.WriteHeader(r.status)
	_, err := io.Copy(r.w, body)
	return err
}

// Stream ends the chain with what write writes; each write is sent at once.
func (r Reply) Stream(write func(w io.Writer) error) error {
	r.w.WriteHeader(r.status)
	f := flushing{r.w, http.NewResponseController(r.w)}
	if err := f.control.Flush(); err != nil {
		return err
	}
	return write(f)
}

// flushing sends each write at once.
type flushing struct {
	w       io.Writer
	control *http.ResponseController
}

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.control.Flush()
	}
	return n, err
}

// File ends the chain with a file, as a whole and with its length. Content-Type is that of the name's extension,
// application/octet-stream if it has none, unless the chain said otherwise. A file that cannot be opened, or is no regular
// one, is an error before the first write. For ranges and conditions see http.ServeContent.
func (r Reply) File(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("envhttp: %s is %v, want a regular file: %w", path, info.Mode().Type(), fs.ErrInvalid)
	}
	contentType := mime.TypeByExtension(filepath.Ext(path))
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	r.defaultType(contentType).length(info.Size())
	r.w.WriteHeader(r.status)
	n, err := io.CopyN(r.w, file, info.Size())
	if err == io.EOF && n < info.Size() {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// length declares the length of the body, unless the chain did, or a middleware encodes it.
func (r Reply) length(n int64) {
	h := r.w.Header()
	if h.Get("Content-Length") == "" && h.Get("Content-Encoding") == "" && r.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.FormatInt(n, 10))
	}
}

func (r Reply) defaultType(contentType string) Reply {
	if r.w.Header().Get("Content-Type") == "" {
		return r.Type(contentType)
	}
	return r
}
