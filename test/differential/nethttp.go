package differential

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

// goReader reads streams with net/http. What its server checks later (Host, names, values, Expect) is not part of it.
type goReader struct {
	source bytes.Reader
	buffer *bufio.Reader
}

func newGoReader() *goReader {
	return &goReader{buffer: bufio.NewReaderSize(nil, 1<<16)}
}

func (g *goReader) begin(input []byte) {
	g.source.Reset(input)
	g.buffer.Reset(&g.source)
}

func (g *goReader) left() int {
	return g.source.Len() + g.buffer.Buffered()
}

// requests gives the verdicts of http.ReadRequest on a stream, and of reading the bodies that it gives.
func (g *goReader) requests(input []byte) []verdict {
	g.begin(input)
	verdicts := make([]verdict, 0, 4)
	for left := g.left(); left > 0; left = g.left() {
		one := g.request()
		one.Used = left - g.left()
		verdicts = append(verdicts, one)
		if one.Body != accept || !one.Keep {
			break
		}
	}
	return verdicts
}

func (g *goReader) request() verdict {
	result := verdict{Parser: "net/http", Head: reject}
	request, err := http.ReadRequest(g.buffer)
	if err != nil {
		result.Why = err.Error()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			result.Head = more
		}
		return result
	}
	result.Head = accept
	result.Major, result.Minor = request.ProtoMajor, request.ProtoMinor
	result.Keep = !request.Close
	result.Method, result.Target = request.Method, request.RequestURI
	result.Authority = request.Host
	result.Fields = fieldsOf(request.Header)
	if result.readBody(request.Body); result.Body == accept {
		result.Trailers = fieldsOf(request.Trailer)
	}
	return result
}

func (v *verdict) readBody(body io.Reader) {
	data, err := io.ReadAll(body)
	v.Body, v.Data = accept, string(data)
	if err == nil {
		return
	}
	v.Body, v.Why = reject, err.Error()
	// The chunk reader says "unexpected EOF" or, within a size line, an error of its own at the very end.
	if errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(v.Why, "EOF") {
		v.Body = more
	}
}

func fieldsOf(header http.Header) []field {
	var fields []field
	for name, values := range header {
		for _, value := range values {
			fields = append(fields, field{name, value})
		}
	}
	return fields
}

// answers gives the verdicts of http.ReadResponse on what a client got. heads tells which final answers are to HEAD; ended,
// whether the connection ended behind the bytes.
func (g *goReader) answers(received []byte, heads []bool, ended bool) []verdict {
	g.begin(received)
	var verdicts []verdict
	for left := g.left(); left > 0; left = g.left() {
		one, interim := g.answer(len(heads) > 0 && heads[0], ended)
		if !interim && len(heads) > 0 {
			heads = heads[1:]
		}
		one.Used = left - g.left()
		verdicts = append(verdicts, one)
		if one.Body != accept || !one.Keep {
			break
		}
	}
	return verdicts
}

func (g *goReader) answer(head, ended bool) (result verdict, interim bool) {
	result = verdict{Parser: "net/http", Head: reject}
	request := &http.Request{Method: http.MethodGet}
	if head {
		request.Method = http.MethodHead
	}
	response, err := http.ReadResponse(g.buffer, request)
	if err != nil {
		result.Why = err.Error()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			result.Head = more
		}
		return result, false
	}
	result.Head = accept
	result.Major, result.Minor, result.Status = response.ProtoMajor, response.ProtoMinor, response.StatusCode
	result.Keep = !response.Close
	result.Fields = fieldsOf(response.Header)
	result.readBody(response.Body)
	untilEnd := response.ContentLength < 0 && len(response.TransferEncoding) == 0 && response.Body != http.NoBody
	if untilEnd && !ended {
		result.Body = more
	}
	if result.Body == accept {
		result.Trailers = fieldsOf(response.Trailer)
	}
	return result, result.Status < 200
}
