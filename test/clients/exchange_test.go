package clients

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// request is what a client is to send.
type request struct {
	Method   string      `json:"method"`
	Path     string      `json:"path"`
	Fields   [][2]string `json:"fields"`
	Size     int         `json:"size"`    // bytes of the body; none: without a body
	Chunked  bool        `json:"chunked"` // body of unknown length
	Expect   bool        `json:"expect"`  // send the body only when a 100 has come
	Trailers [][2]string `json:"trailers"`
}

// none is the Size of a request without a body.
const none = -1

// answer is what a client has understood.
type answer struct {
	Status   int         `json:"status"`
	Informed []int       `json:"informed"` // statuses of interim responses
	Fields   [][2]string `json:"fields"`
	Trailers [][2]string `json:"trailers"`
	Length   int         `json:"length"` // of the body
	SHA256   string      `json:"sha256"`
	Text     string      `json:"text"`  // of the body, if it is short
	Sent     int         `json:"sent"`  // bytes of the request body that were sent
	Error    string      `json:"error"` // of the client
}

// short is how long a body may be to be kept as text.
const short = 1024

func (a *answer) setBody(body []byte) {
	sum := sha256.Sum256(body)
	a.Length, a.SHA256 = len(body), hex.EncodeToString(sum[:])
	if len(body) <= short {
		a.Text = string(body)
	}
}

func lookup(fields [][2]string, name string) string {
	var values []string
	for _, field := range fields {
		if strings.EqualFold(field[0], name) {
			values = append(values, field[1])
		}
	}
	return strings.Join(values, ", ")
}

func (a answer) field(name string) string   { return lookup(a.Fields, name) }
func (a answer) trailer(name string) string { return lookup(a.Trailers, name) }

func pairs(header http.Header) [][2]string {
	var all [][2]string
	for name, values := range header {
		for _, value := range values {
			all = append(all, [2]string{name, value})
		}
	}
	return all
}

// check is an expectation of an answer; the text says what is wrong, empty if nothing.
type check func(answer) string

func all(checks ...check) check {
	return func(a answer) string {
		for _, one := range checks {
			if wrong := one(a); wrong != "" {
				return wrong
			}
		}
		return ""
	}
}

func equal[T comparable](what string, got, want T) string {
	if got != want {
		return fmt.Sprintf("%s is %v, want %v", what, got, want)
	}
	return ""
}

func text(want string) check {
	return func(a answer) string { return equal("body", a.Text, want) }
}

func holds(part string) check {
	return func(a answer) string {
		if !strings.Contains(a.Text, part) {
			return fmt.Sprintf("body %q does not hold %q", a.Text, part)
		}
		return ""
	}
}

func body(want []byte) check {
	sum := sha256.Sum256(want)
	return func(a answer) string {
		if a.Length != len(want) {
			return fmt.Sprintf("body has %d bytes, want %d", a.Length, len(want))
		}
		return equal("SHA-256 of the body", a.SHA256, hex.EncodeToString(sum[:]))
	}
}

func field(name, want string) check {
	return func(a answer) string { return equal(name, a.field(name), want) }
}

func trailer(name, want string) check {
	return func(a answer) string { return equal("trailer "+name, a.trailer(name), want) }
}

// uploaded expects the answer of /upload to the first n bytes of content.
func uploaded(n int) check {
	sum := sha256.Sum256(content[:n])
	return text(fmt.Sprintf(`{"bytes":%d,"sha256":"%x"}`+"\n", n, sum))
}

// informed expects exactly these interim responses.
func informed(want ...int) check {
	return func(a answer) string { return equal("interim responses", fmt.Sprint(a.Informed), fmt.Sprint(want)) }
}

// sent expects that so much of the request body was sent.
func sent(want int) check {
	return func(a answer) string { return equal("bytes sent", a.Sent, want) }
}

// pattern is what the worker's /bytes and /file answer with, from an offset on.
func pattern(offset, n int) []byte {
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[(offset+i)%len(alphabet)]
	}
	return b
}

// lines is what the worker's /stream answers with.
func lines(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "chunk %d\n", i)
	}
	return []byte(b.String())
}

func itoa(n int) string { return strconv.Itoa(n) }

// step is a request and what it is to be answered with.
type step struct {
	request
	needs  feature
	status int
	check  check
}

func (s step) String() string {
	var more strings.Builder
	for _, f := range s.Fields {
		more.WriteString(" " + f[0] + ": " + f[1])
	}
	if s.Size != none {
		fmt.Fprintf(&more, " %d bytes", s.Size)
	}
	if s.Chunked {
		more.WriteString(" chunked")
	}
	if s.Expect {
		more.WriteString(" expecting 100")
	}
	return s.Method + " " + s.Path + more.String()
}

// verify compares answers with what the steps want.
func verify(t *testing.T, steps []step, answers []answer) {
	t.Helper()
	if len(answers) != len(steps) {
		t.Fatalf("%d answers to %d requests", len(answers), len(steps))
	}
	for i, s := range steps {
		a := answers[i]
		wrong := equal("status", a.Status, s.status)
		if a.Error != "" {
			wrong = "the client says: " + a.Error
		} else if wrong == "" && s.check != nil {
			wrong = s.check(a)
		}
		if wrong != "" {
			t.Errorf("%d: %v: %s\nanswer: %d %v, %d bytes %.200q, trailers %v, interim %v", i, s, wrong,
				a.Status, a.Fields, a.Length, a.Text, a.Trailers, a.Informed)
		}
	}
}
