package differential

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

// netHTTP is the verdict of http.ReadRequest and of reading the body that it gives. What net/http's server checks later
// (Host, names, values, Expect) is not part of it.
func netHTTP(input []byte) verdict {
	source := bytes.NewReader(input)
	reader := bufio.NewReaderSize(source, len(input)+16)
	result := verdict{Parser: "net/http", Head: reject}
	request, err := http.ReadRequest(reader)
	if err != nil {
		result.Why = err.Error()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			result.Head = more
		}
		return result
	}
	result.Head, result.Body = accept, reject
	result.Major, result.Minor = request.ProtoMajor, request.ProtoMinor
	result.Keep = !request.Close
	result.Method, result.Target = text(request.Method), text(request.RequestURI)
	result.Authority = text(request.Host)
	for name, values := range request.Header {
		for _, value := range values {
			result.Fields = append(result.Fields, field{text(name), text(value)})
		}
	}
	data, err := io.ReadAll(request.Body)
	if err != nil {
		result.Why = err.Error()
		// The chunk reader says "unexpected EOF" or, within a size line, an error of its own at the very end.
		if errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "EOF") {
			result.Body = more
		}
		return result
	}
	result.Body, result.Data = accept, text(data)
	result.Used = len(input) - source.Len() - reader.Buffered()
	for name, values := range request.Trailer {
		for _, value := range values {
			result.Trailers = append(result.Trailers, field{text(name), text(value)})
		}
	}
	return result
}
