package differential

import (
	"encoding/binary"
	"fmt"
)

// wire takes values out of an answer of one of the parser processes; native/test/verdict_out.h has its form.
type wire struct {
	rest string
	bad  bool
}

func (w *wire) take(length int) string {
	if w.bad || length < 0 || length > len(w.rest) {
		w.bad = true
		return ""
	}
	taken := w.rest[:length]
	w.rest = w.rest[length:]
	return taken
}

func (w *wire) byte() byte {
	if taken := w.take(1); !w.bad {
		return taken[0]
	}
	return 0
}

func (w *wire) number() int {
	if taken := w.take(4); !w.bad {
		return int(binary.LittleEndian.Uint32([]byte(taken)))
	}
	return 0
}

func (w *wire) text() string {
	return w.take(w.number())
}

func (w *wire) fields() []field {
	count := w.number()
	if count > len(w.rest)/8 {
		w.bad = true
	}
	if w.bad || count == 0 {
		return nil
	}
	fields := make([]field, count)
	for i := range fields {
		fields[i] = field{w.text(), w.text()}
	}
	return fields
}

// stages of a head or a body by their letters.
var stages = map[byte]string{'a': accept, 'r': reject, 'm': more, ' ': ""}

func (w *wire) verdict(parser string) verdict {
	v := verdict{Parser: parser, Head: stages[w.byte()], Body: stages[w.byte()]}
	v.Keep, v.Upgrade = w.byte() != 0, w.byte() != 0
	v.Major, v.Minor = int(w.byte()), int(w.byte())
	v.Status, v.Used = w.number(), w.number()
	v.Why, v.Method, v.Target, v.Authority = w.text(), w.text(), w.text(), w.text()
	v.Data, v.Fields, v.Trailers = w.text(), w.fields(), w.fields()
	return v
}

// verdictsOf reads a whole answer: the verdicts on the messages of one input. An answer that ends with a complaint is an
// error.
func verdictsOf(parser, answer string) ([]verdict, error) {
	w := &wire{rest: answer}
	verdicts := make([]verdict, 0, 4)
	for count := w.number(); count > 0 && !w.bad; count-- {
		verdicts = append(verdicts, w.verdict(parser))
	}
	complaint := w.text()
	if w.bad || w.rest != "" {
		return nil, fmt.Errorf("%s: answer %q has not the form of verdict_out.h", parser, answer)
	}
	if complaint != "" {
		return verdicts, fmt.Errorf("%s: %s", parser, complaint)
	}
	return verdicts, nil
}
