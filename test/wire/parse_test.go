package wire

import (
	"reflect"
	"strings"
	"testing"
)

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		``: "", `a b`: "a b", `\r\n\t\\`: "\r\n\t\\", `\x00\xfF!`: "\x00\xff!", `\{3:ab}c`: "abababc", `\{2:\r\n}`: "\r\n\r\n", `\{0:a}`: "",
	} {
		if got, err := unescape(text); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{`\`, `\q`, `\x1`, `\xgg`, `\{3:a`, `\{x:a}`, `\{-1:a}`, `\{99999999:a}`, `\{2:\q}`} {
		if got, err := unescape(text); err == nil {
			t.Errorf("%q: %q, want an error", text, got)
		}
	}
}

func TestRead(t *testing.T) {
	book := &Book{}
	err := book.add("f.txt", `# nothing
section S
rule RFC 1 2: title: more
code a.c one two
test b_test.go TestB
=== name
flags --fields 3
only c: reason
whole: reason
> a\r
> b\n
pause
> c
< 100
< 200 to HEAD
has A: b\xff
has B
no C
framing none
phrase a\xff b
| d
| e
trailer T: u
half-close
< 404
starts x
cut

exception RFC 3: E
because F
`)
	want := &Book{
		Rules: []*Rule{{
			Section: "S", Clause: "RFC 1 2", Title: "title: more",
			Code: []Place{{"a.c", []string{"one", "two"}}}, Tests: []Place{{"b_test.go", []string{"TestB"}}},
			Cases: []*Case{{
				File: "f.txt", Line: 6, Name: "name", Flags: "--fields 3", Only: "c", Reason: "reason", Whole: true, Fate: Cut,
				Steps: []Step{
					{Send: []byte("a\rb\n")}, {Pause: true}, {Send: []byte("c")}, {Answer: &Expected{Status: 100}},
					{Answer: &Expected{
						Status: 200, Head: true, Has: []Field{{"A", "b\xff"}}, Present: []string{"B"}, No: []string{"C"}, Framing: "none", Phrase: new("a\xff b"),
						Body: []byte("de"), CheckBody: true, Trailers: []Field{{"T", "u"}},
					}},
					{HalfClose: true}, {Answer: &Expected{Status: 404, Body: []byte("x"), CheckBody: true, Starts: true}},
				},
			}},
		}},
		Exceptions: []*Exception{{"S", "RFC 3", "E", "F"}},
	}
	if err != nil || !reflect.DeepEqual(book, want) {
		t.Errorf("%+v, %v", book, err)
	}
}

func TestReadRefuses(t *testing.T) {
	const rule = "section S\nrule R: T\n"
	for text, line := range map[string]string{
		"rule R: T\n": "1", "section S\nrule R\n": "2", "section S\n=== a\n": "2", "because x\n": "1", rule + "code\n": "3", rule + "test f\n": "3",
		rule + "what\n": "3", rule + "=== a\n": "3", rule + "=== a\n> x\n": "3", rule + "=== a\nopen\n": "4", rule + "=== a\n> x\ncut\n": "5",
		rule + "=== a\n> x\nhas A\n": "5", rule + "=== a\n< x\n": "4", rule + "=== a\n> x\n< 200\nwhat\n": "6", rule + "=== a\nonly me: x\n": "4",
		rule + "=== a\n> x\n< 200\nframing x\n": "6", rule + "=== a\n> \\q\n": "4", rule + "=== a\n> x\nopen now\n": "5",
	} {
		if err := (&Book{}).add("f.txt", text); err == nil || !strings.HasPrefix(err.Error(), line+": ") {
			t.Errorf("%q: %v, want an error in line %s", text, err, line)
		}
	}
}
