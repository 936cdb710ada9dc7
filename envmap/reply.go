package envmap

import (
	"encoding/json"
	"strconv"
)

// Reply describes a whole response in one chain, which ends with the body:
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

// Type sets Content-Type.
func (r Reply) Type(contentType string) Reply { return r.Header("Content-Type", contentType) }

// Empty ends the chain without a body.
func (r Reply) Empty() error { return r.Bytes(nil) }

// Bytes ends the chain with a body; it is not kept.
func (r Reply) Bytes(body []byte) error {
	if r.err != nil {
		return r.err
	}
	if len(body) > bodyHeld && !r.env.ResponseHeaders().Has("Content-Length") && r.env.sink() == nil {
		if err := r.env.SetHeader("Content-Length", strconv.Itoa(len(body))); err != nil {
			return err
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

func (r Reply) defaultType(contentType string) Reply {
	if r.err == nil && !r.env.ResponseHeaders().Has("Content-Type") {
		return r.Type(contentType)
	}
	return r
}
