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
