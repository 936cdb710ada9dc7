package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Answer is an answer as it came, read by the letter of RFC 9112 and with nothing of net/http.
type Answer struct {
	Status   int
	Phrase   string
	Fields   []Field
	Framing  string // length, chunked, close or none
	Body     []byte
	Trailers []Field
}

// ErrMalformed is wrapped by errors that tell of an answer that breaks HTTP, apart from one that only ends too early.
var ErrMalformed = errors.New("malformed answer")

func malformed(format string, arguments ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, arguments...))
}

const longestLine = 64 << 10

// ReadAnswer reads one answer. With an error the answer has what came before it. io.EOF means that nothing came.
func ReadAnswer(in *bufio.Reader, head bool) (*Answer, error) {
	a := &Answer{}
	line, err := readLine(in)
	if err != nil {
		return a, err
	}
	// RFC 9112 4: status-line = HTTP-version SP status-code SP [ reason-phrase ]
	text, ok := strings.CutPrefix(line, "HTTP/1.1 ")
	if !ok || len(text) < 4 || text[3] != ' ' || !digits(text[:3]) || text[0] == '0' || !isValue(text[4:]) {
		return a, malformed("status line %q", line)
	}
	a.Status, _ = strconv.Atoi(text[:3])
	a.Phrase = text[4:]
	if a.Fields, err = readFields(in); err != nil {
		return a, err
	}
	length, err := a.frame(head)
	if err != nil {
		return a, err
	}
	return a, a.readBody(in, length)
}

// frame says how the body ends (RFC 9112 6.3), and refuses what leaves a doubt.
func (a *Answer) frame(head bool) (length int64, err error) {
	lengths, codings, dates := a.Values("Content-Length"), a.Values("Transfer-Encoding"), a.Values("Date")
	interim := a.Status < 200
	switch {
	case len(lengths) > 1 || len(codings) > 1 || len(lengths)+len(codings) > 1:
		return 0, malformed("Content-Length %q, Transfer-Encoding %q", lengths, codings)
	case (interim || a.Status == 204) && len(lengths)+len(codings) > 0: // RFC 9112 6.1, RFC 9110 8.6
		return 0, malformed("%d with Content-Length %q, Transfer-Encoding %q", a.Status, lengths, codings)
	case len(codings) == 1 && codings[0] != "chunked":
		return 0, malformed("Transfer-Encoding %q", codings)
	case len(dates) > 1 || !interim && len(dates) == 0: // RFC 9110 6.6.1
		return 0, malformed("%d with Date %q", a.Status, dates)
	}
	if len(lengths) == 1 {
		if length, err = strconv.ParseInt(lengths[0], 10, 64); err != nil || !digits(lengths[0]) {
			return 0, malformed("Content-Length %q", lengths)
		}
	}
	switch {
	case head || interim || a.Status == 204 || a.Status == 304:
		a.Framing = "none"
	case len(codings) == 1:
		a.Framing = "chunked"
	case len(lengths) == 1:
		a.Framing = "length"
	default:
		a.Framing = "close"
	}
	return length, nil
}

func (a *Answer) readBody(in *bufio.Reader, length int64) (err error) {
	switch a.Framing {
	case "length":
		return a.readBytes(in, length)
	case "close":
		a.Body, err = io.ReadAll(in)
		return err
	case "chunked":
		for {
			line, err := readLine(in)
			if err != nil {
				return early(err)
			}
			n, err := strconv.ParseUint(line, 16, 31)
			if err != nil || strings.ContainsAny(line, "+_") {
				return malformed("chunk size %q", line)
			}
			if n == 0 {
				a.Trailers, err = readFields(in)
				return err
			}
			if err := a.readBytes(in, int64(n)); err != nil {
				return err
			}
			if end, err := readLine(in); err != nil || end != "" {
				return cmpOr(early(err), malformed("%q behind a chunk", end))
			}
		}
	}
	return nil
}

func (a *Answer) readBytes(in *bufio.Reader, n int64) error {
	piece, err := io.ReadAll(io.LimitReader(in, n))
	a.Body = append(a.Body, piece...)
	if err == nil && int64(len(piece)) < n {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Values are those of all fields of a name.
func (a *Answer) Values(name string) []string { return values(a.Fields, name) }

func values(fields []Field, name string) (found []string) {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			found = append(found, f.Value)
		}
	}
	return found
}

// readFields reads field lines up to the empty one (RFC 9112 5).
func readFields(in *bufio.Reader) (fields []Field, err error) {
	for {
		line, err := readLine(in)
		if err != nil {
			return fields, early(err)
		}
		if line == "" {
			return fields, nil
		}
		name, value, found := strings.Cut(line, ":")
		if !found || !isToken(name) || !isValue(value) {
			return fields, malformed("field line %q", line)
		}
		fields = append(fields, Field{name, strings.Trim(value, " \t")})
	}
}

// readLine reads up to a CRLF, which it takes off; io.EOF if there is not a byte.
func readLine(in *bufio.Reader) (string, error) {
	var line []byte
	for len(line) < longestLine {
		c, err := in.ReadByte()
		if err != nil {
			if len(line) > 0 {
				err = early(err)
			}
			return "", err
		}
		if line = append(line, c); c == '\n' {
			text, ok := strings.CutSuffix(string(line), "\r\n")
			if !ok {
				return "", malformed("line end of %q", line)
			}
			return text, nil
		}
	}
	return "", malformed("a line of more than %d bytes", longestLine)
}

func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func cmpOr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// isToken: RFC 9110 5.6.2.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return text != ""
}

// isValue: RFC 9110 5.5, obs-text included.
func isValue(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
