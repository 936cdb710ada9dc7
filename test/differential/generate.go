package differential

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// generator makes streams of requests: mostly valid ones built from parts, some of which are traps, and then perhaps
// mutates them.
type generator struct {
	random  *rand.Rand
	text    strings.Builder
	tame    bool // traps are seldom: the stream should get far
	mutant  bool // this input has a trap
	mutated int  // inputs so far that were mutated
}

func newGenerator(seed uint64) *generator {
	return &generator{random: rand.New(rand.NewPCG(seed, 0x52696e67776179))}
}

func (g *generator) one(choices []string) string {
	return choices[g.random.IntN(len(choices))]
}

func (g *generator) chance(percent int) bool {
	return g.random.IntN(100) < percent
}

// next makes one input, of one or several requests; it is never empty.
func (g *generator) next() []byte {
	g.text.Reset()
	g.tame = g.chance(60)
	messages := 1
	if g.chance(60) {
		messages += 1 + g.random.IntN(4)
	}
	for i := range messages {
		g.head()
		if i+1 < messages && g.trap(8) {
			g.text.WriteString(g.one(seams))
		}
	}
	if g.chance(15) {
		g.text.WriteString(g.one(followers))
	}
	input := []byte(g.text.String())
	if g.chance(90) {
		g.mutated++
		most := 3
		if g.tame {
			most = 1
		}
		for count := 1 + g.random.IntN(most); count > 0; count-- {
			input = g.mutate(input)
		}
	}
	if len(input) == 0 {
		return []byte("\r\n")
	}
	return input
}

// trap is chance for what a parser may stumble over.
func (g *generator) trap(percent int) bool {
	if g.tame && !g.chance(12) {
		return false
	}
	sprung := g.chance(percent)
	g.mutant = g.mutant || sprung
	return sprung
}

// head writes the request line, fields and a body that usually fits them.
func (g *generator) head() {
	if g.trap(3) {
		g.text.WriteString(strings.Repeat("\r\n", 1+g.random.IntN(5)))
	}
	g.text.WriteString(g.weighted(methods, 92, oddMethods))
	g.text.WriteString(g.weighted([]string{" "}, 99, oddSpaces))
	g.text.WriteString(g.weighted(targets, 92, oddTargets))
	g.text.WriteString(g.weighted([]string{" "}, 99, oddSpaces))
	g.text.WriteString(g.weighted([]string{"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"}, 97, oddVersions))
	g.lineEnd()
	if !g.trap(4) {
		g.field(g.one([]string{"Host", "Host", "host", "HOST"}), g.weighted(hosts, 93, oddHosts))
	}
	for count := g.random.IntN(6); count > 0; count-- {
		g.someField()
	}
	body := g.framing()
	for count := g.random.IntN(3); count > 0; count-- {
		g.someField()
	}
	g.lineEnd()
	g.text.WriteString(body)
}

func (g *generator) weighted(usual []string, percent int, odd []string) string {
	if g.trap(100 - percent) {
		return g.one(odd)
	}
	return g.one(usual)
}

func (g *generator) lineEnd() {
	if g.trap(2) && g.chance(10) {
		g.text.WriteString(g.one(oddLineEnds))
		return
	}
	g.text.WriteString("\r\n")
}

func (g *generator) field(name, value string) {
	g.text.WriteString(name)
	odd := g.trap(1)
	if odd && g.chance(50) {
		g.text.WriteString(g.one([]string{" : ", "\t:", "", " ", ":\v", ": \f"}))
	} else {
		g.text.WriteString(g.one([]string{": ", ": ", ": ", ":", ":  ", ":\t"}))
	}
	g.text.WriteString(value)
	if odd {
		g.text.WriteString(g.one([]string{"\x00", "\r", "\v", "\x7f", "", "\t"}))
	} else if g.chance(10) {
		g.text.WriteString(g.one([]string{" ", "\t "}))
	}
	g.lineEnd()
}

func (g *generator) someField() {
	kind := g.random.IntN(24)
	if kind <= 5 && g.tame && !g.chance(12) {
		kind = 23
	}
	switch kind {
	case 0, 6, 7:
		options := connectionOptions
		if g.tame {
			options = keepingOptions
		}
		g.field(g.one([]string{"Connection", "connection"}), g.list(options))
	case 1:
		g.field("Expect", g.weighted([]string{"100-continue", "100-Continue"}, 85, []string{"200-ok", "", "100-continue, x"}))
	case 2, 8:
		g.field(g.one(hopNames), g.one([]string{"trailers", "timeout=5", "websocket", "h2c", "", "keep-alive", "close"}))
	case 3:
		g.field(g.one(oddNames), g.one(values))
	case 4:
		g.field(g.one(names), g.one(oddValues))
	case 5:
		if g.chance(10) {
			g.text.WriteString(g.one(oddLines))
			return
		}
		fallthrough
	default:
		g.field(g.one(names), g.one(values))
	}
}

// list joins some members by commas, sloppily.
func (g *generator) list(members []string) string {
	list := g.one(members)
	for g.chance(35) {
		list += g.one([]string{",", ", ", " , ", ",,", ",\t"}) + g.one(members)
	}
	return list
}

// framing writes the fields that say how long the body is, right or wrong, and returns the body.
func (g *generator) framing() string {
	kind := g.random.IntN(20)
	if kind >= 18 && g.tame && !g.chance(12) {
		kind -= 10
	}
	switch kind {
	case 0, 1, 2, 3, 4:
		return ""
	case 5, 6, 7, 8, 9, 10:
		body := strings.Repeat("b", g.random.IntN(12))
		if g.chance(25) {
			body = g.one(chunkData) // may look like the next request
		}
		g.field(g.one(lengthNames), strconv.Itoa(len(body)))
		return body
	case 11, 12, 13, 14, 15, 16, 17:
		g.field(g.one(encodingNames), g.one([]string{"chunked", "chunked", "Chunked", "CHUNKED"}))
		return g.chunks()
	case 18:
		for count := 1 + g.random.IntN(2); count > 0; count-- {
			g.field(g.one(lengthNames), g.one(oddLengths))
		}
		if g.chance(30) {
			g.field(g.one(encodingNames), g.one(oddEncodings))
		}
		return g.one([]string{"", "hello", "0\r\n\r\n"})
	default:
		for count := 1 + g.random.IntN(2); count > 0; count-- {
			g.field(g.one(encodingNames), g.one(oddEncodings))
		}
		if g.chance(30) {
			g.field(g.one(lengthNames), g.one(oddLengths))
		}
		return g.chunks()
	}
}

// mutate changes one thing, blindly.
func (g *generator) mutate(input []byte) []byte {
	if len(input) == 0 {
		return input
	}
	at := g.random.IntN(len(input))
	switch g.random.IntN(8) {
	case 0: // flip a bit
		input[at] ^= 1 << g.random.IntN(8)
	case 1: // any byte
		input[at] = byte(g.random.IntN(256))
	case 2: // a byte that matters
		input[at] = interesting[g.random.IntN(len(interesting))]
	case 3: // remove some
		end := min(len(input), at+1+g.random.IntN(4))
		input = append(input[:at:at], input[end:]...)
	case 4: // insert one that matters
		input = append(input[:at:at], append([]byte{interesting[g.random.IntN(len(interesting))]}, input[at:]...)...)
	case 5: // repeat a piece
		end := min(len(input), at+1+g.random.IntN(30))
		input = append(input[:end:end], input[at:]...)
	case 6: // insert a word
		input = append(input[:at:at], append([]byte(g.one(words)), input[at:]...)...)
	default: // cut, seldom
		if g.chance(25) {
			input = input[:at]
		} else {
			other := g.random.IntN(len(input))
			input[at], input[other] = input[other], input[at]
		}
	}
	return input
}
