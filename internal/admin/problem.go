package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
)

// Problem is the body of an answer that is an error (RFC 9457).
type Problem struct {
	Title  string `json:"title"`  // the words of the status
	Status int    `json:"status"` // of the answer
	Code   Code   `json:"code"`   // for programs: stays what it is
	Detail string `json:"detail"` // for people: what was wrong and what was expected
}

// Code names a kind of problem.
type Code string

// Codes of problems.
const (
	CodeBadOrder    Code = "bad-order"   // 400: the body is not what was expected
	CodeBadQuery    Code = "bad-query"   // 400: a parameter is not what was expected
	CodeNoToken     Code = "no-token"    // 401: the token is missing or another one
	CodeForeign     Code = "foreign"     // 403: sent for a page of another origin
	CodeUnknown     Code = "unknown"     // 404: there is no such path
	CodeMethod      Code = "method"      // 405: not with this method; Allow names those that can be had
	CodeConflict    Code = "conflict"    // 409: not in the state that the gateway is in
	CodeNotJSON     Code = "not-json"    // 415: orders are application/json
	CodeMisdirected Code = "misdirected" // 421: for a name that is not this server's
	CodeBusy        Code = "busy"        // 503: too many listen already
	CodeUnavailable Code = "unavailable" // 503: what was asked for cannot be had now
)

func fail(w http.ResponseWriter, status int, code Code, detail string) {
	write(w, status, "application/problem+json", Problem{http.StatusText(status), status, code, detail})
}

func answer(w http.ResponseWriter, status int, body any) { write(w, status, "application/json", body) }

// buffers are for answers that are being encoded: /stats may be read often.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func write(w http.ResponseWriter, status int, kind string, body any) {
	encoded := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(encoded)
	encoded.Reset()
	if json.NewEncoder(encoded).Encode(body) != nil {
		status = http.StatusInternalServerError
		encoded.WriteString(`{"title": "the answer cannot be encoded"}`)
	}
	header := w.Header()
	header.Set("Content-Type", kind)
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Length", strconv.Itoa(encoded.Len()))
	w.WriteHeader(status)
	// An error means that the client is gone.
	_, _ = w.Write(encoded.Bytes())
}
