package wire

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

const date = "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n"

func TestReadAnswer(t *testing.T) {
	for text, want := range map[string]Answer{
		"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\nab": {Status: 200, Phrase: "OK", Framing: "length", Body: []byte("ab")},
		"HTTP/1.1 200 \r\n" + date + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nX: y\r\n\r\n": {
			Status: 200, Framing: "chunked", Body: []byte("ab"), Trailers: []Field{{"X", "y"}},
		},
		"HTTP/1.1 200 OK\r\n" + date + "\r\nab":                            {Status: 200, Phrase: "OK", Framing: "close", Body: []byte("ab")},
		"HTTP/1.1 204 OK\r\n" + date + "\r\n":                              {Status: 204, Phrase: "OK", Framing: "none"},
		"HTTP/1.1 100 Continue\r\n\r\n":                                    {Status: 100, Phrase: "Continue", Framing: "none"},
		"HTTP/1.1 999 what is it\r\n" + date + "Content-Length: 0\r\n\r\n": {Status: 999, Phrase: "what is it", Framing: "length"},
	} {
		got, err := ReadAnswer(bufio.NewReader(strings.NewReader(text)), false)
		got.Fields = nil
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("%q: %+v, %v", text, *got, err)
		}
	}
}

// TestReadAnswerIsStrict: what a lenient client would take is refused.
func TestReadAnswerIsStrict(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, text := range []string{
		"HTTP/1.0 200 OK\r\n" + date + "\r\n", "HTTP/1.1 200\r\n" + date + "\r\n", "HTTP/1.1  200 OK\r\n" + date + "\r\n",
		"HTTP/1.1 20 OK\r\n" + date + "\r\n", "HTTP/1.1 099 OK\r\n" + date + "\r\n", "HTTP/1.1 200 O\x00K\r\n" + date + "\r\n",
		"HTTP/1.1 200 OK\n" + date + "\r\n", ok + "Date: x\n\r\n",
		ok + "\r\n", ok + date + date + "\r\n",
		ok + date + "A : b\r\n\r\n", ok + date + " A: b\r\n\r\n", ok + date + "A\r\n\r\n", ok + date + ": b\r\n\r\n", ok + date + "A: b\x00\r\n\r\n",
		ok + date + "A: b\rc\r\n\r\n",
		ok + date + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", ok + date + "Content-Length: +1\r\n\r\na",
		ok + date + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ok + date + "Transfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 204 OK\r\n" + date + "Content-Length: 0\r\n\r\n", "HTTP/1.1 103 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		ok + date + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", ok + date + "Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
		ok + date + "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", ok + date + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
		ok + date + "Transfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n",
	} {
		if got, err := ReadAnswer(bufio.NewReader(strings.NewReader(text)), false); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %+v, %v, want %v", text, *got, err, ErrMalformed)
		}
	}
}

// TestReadAnswerCut: an end inside an answer is neither a whole answer nor a malformed one.
func TestReadAnswerCut(t *testing.T) {
	for _, whole := range []string{
		"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: y\r\n\r\n",
	} {
		for n := 1; n < len(whole); n++ {
			if _, err := ReadAnswer(bufio.NewReader(strings.NewReader(whole[:n])), false); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v, want %v", whole[:n], err, io.ErrUnexpectedEOF)
			}
		}
	}
	if _, err := ReadAnswer(bufio.NewReader(strings.NewReader("")), false); err != io.EOF {
		t.Errorf("nothing: %v, want %v", err, io.EOF)
	}
}

func TestCheck(t *testing.T) {
	answer := Answer{
		Status: 200, Framing: "chunked", Body: []byte("hello"), Fields: []Field{{"A", "b"}, {"C", "d"}, {"c", "e"}}, Trailers: []Field{{"X", "y"}},
	}
	for name, test := range map[string]struct {
		want Expected
		good bool
	}{
		"nothing more":    {Expected{Status: 200}, true},
		"all":             {Expected{Status: 200, Has: []Field{{"a", "b"}}, Present: []string{"A"}, No: []string{"Z"}, Framing: "chunked"}, true},
		"body":            {Expected{Status: 200, CheckBody: true, Body: []byte("hello")}, true},
		"start":           {Expected{Status: 200, CheckBody: true, Body: []byte("hel"), Starts: true}, true},
		"trailer":         {Expected{Status: 200, Trailers: []Field{{"x", "y"}}}, true},
		"other status":    {Expected{Status: 201}, false},
		"other value":     {Expected{Status: 200, Has: []Field{{"A", "c"}}}, false},
		"two":             {Expected{Status: 200, Has: []Field{{"C", "d"}}}, false},
		"two present":     {Expected{Status: 200, Present: []string{"C"}}, false},
		"none":            {Expected{Status: 200, Present: []string{"Z"}}, false},
		"one too many":    {Expected{Status: 200, No: []string{"a"}}, false},
		"other framing":   {Expected{Status: 200, Framing: "length"}, false},
		"other phrase":    {Expected{Status: 200, Phrase: new("Ok")}, false},
		"other body":      {Expected{Status: 200, CheckBody: true, Body: []byte("hel")}, false},
		"empty body":      {Expected{Status: 200, CheckBody: true}, false},
		"other start":     {Expected{Status: 200, CheckBody: true, Body: []byte("ell"), Starts: true}, false},
		"other trailer":   {Expected{Status: 200, Trailers: []Field{{"x", "z"}}}, false},
		"no such trailer": {Expected{Status: 200, Trailers: []Field{{"A", "b"}}}, false},
	} {
		if err := test.want.Check(&answer); (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
