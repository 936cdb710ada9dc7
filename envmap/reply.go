package envmap

import (
	"encoding/json"
	"io"
	"strconv"
)

// Reply describes a whole response in one chain, which ends with the body: Empty, Bytes, Text, JSON, Reader, Stream or File.
//
//	return env.Reply(201).Header("Location", where).Text("made\n")
//
// The first error of the chain is what its end returns.
type Reply struct {
	env Env
	err error
}

// Reply starts a response with a status.
func (e Env) Reply(status int) Reply { return Reply{e, e.SetStatus(status)} }

// Header is Env.SetHeader.
func (r Reply) Header(name, value string) Reply {
	if r.err == nil {
		r.err = r.env.SetHeader(name, value)
	}
	return r
}

// Reason chooses the reason phrase.
func (r Reply) Reason(phrase string) Reply {
	if r.err == nil {
		r.err = r.env.Set(KeyResponseReasonPhrase, phrase)
	}
	return r
}

// AddHeader is Env.AddHeader.
func (r Reply) AddHeader(name, value string) Reply {
	if r.err == nil {
		r.err = r.env.AddHeader(name, value)
	}
	return r
}

// Type sets Content-Type.
func (r Reply) Type(contentType string) Reply { return r.Header("Content-Type", contentType) }

// Empty ends the chain without a body.
func (r Reply) Empty() error { return r.Bytes(nil) }

// Bytes ends the chain with a body; it is not kept.
func (r Reply) Bytes(body []byte) error {
	if r.err != nil {
		return r.err
	}
	if len(body) > bodyHeld {
		if r = r.length(int64(len(body))); r.err != nil {
			return r.err
		}
	}
	_, err := r.env.Write(body)
	return err
}

// Text ends the chain with a text, as text/plain in UTF-8 unless the chain said otherwise.
func (r Reply) Text(body string) error {
	r = r.defaultType("text/plain; charset=utf-8")
	if r.err != nil {
		return r.err
	}
	if len(body) > bodyHeld {
		return r.Bytes([]byte(body))
	}
	_, err := r.env.WriteString(body)
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

// Reader ends the chain with what body gives up to its end, read straight into response memory where that is possible. A
// body that knows its length, as bytes.Reader, bytes.Buffer and strings.Reader do, gets a Content-Length.
func (r Reply) Reader(body io.Reader) error {
	if known, ok := body.(interface{ Len() int }); ok {
		r = r.length(int64(known.Len()))
	}
	if r.err != nil {
		return r.err
	}
	_, err := r.env.ReadFrom(body)
	return err
}

// Stream ends the chain with what write writes; each write is sent at once.
func (r Reply) Stream(write func(w io.Writer) error) error {
	if r.err == nil {
		r.err = r.env.Flush()
	}
	if r.err != nil {
		return r.err
	}
	return write(flushing{r.env})
}

// flushing sends each write at once.
type flushing struct{ env Env }

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.env.Write(p)
	if err == nil {
		err = f.env.Flush()
	}
	return n, err
}

// length declares the length of the body, unless the chain did, or something in front of the body may change it.
func (r Reply) length(n int64) Reply {
	if r.err == nil && !r.env.ResponseHeaders().Has("Content-Length") && r.env.sink() == nil {
		return r.Header("Content-Length", strconv.FormatInt(n, 10))
	}
	return r
}

func (r Reply) defaultType(contentType string) Reply {
	if r.err == nil && !r.env.ResponseHeaders().Has("Content-Type") {
		return r.Type(contentType)
	}
	return r
}
