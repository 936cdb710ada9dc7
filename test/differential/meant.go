package differential

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"ringway/ring"
)

// meant is an answer as the worker's events mean it, by docs/design.md 3.8 and the RFCs: what a client has to read.
type meant struct {
	verdict        // Keep only if it is complete; Body accept, or more if the client has to see that it is not
	own       bool // the gateway's own answer: only the status is given
	chunked   bool
	bodiless  bool
	untilEnd  bool  // its body ends with the connection
	announced int64 // Content-Length that has to be there, or -1
	date      bool  // the worker has said a date itself
	server    bool
}

// asked is a request as far as its answer depends on it.
type asked struct {
	head, keep, expects bool
	minor               int
}

// askedIn reads the generator's own requests; a body is no part of it.
func askedIn(requests string) []asked {
	var all []asked
	for part := range strings.SplitSeq(requests, " / HTTP/1.") {
		if len(all) > 0 {
			one := &all[len(all)-1]
			one.minor = int(part[0] - '0')
			head, _, _ := strings.Cut(part, "\r\n\r\n")
			switch {
			case strings.Contains(head, "Connection: close"):
				one.keep = false
			case strings.Contains(head, "Connection: keep-alive"):
				one.keep = true
			default:
				one.keep = one.minor > 0
			}
			one.expects = one.minor > 0 && strings.Contains(head, "Expect:")
		}
		all = append(all, asked{head: strings.HasSuffix(part, "HEAD")})
	}
	return all[:len(all)-1]
}

// hopByHop are the fields of RFC 9110 7.6.1 and Content-Length: framing and the connection are the gateway's alone.
var hopByHop = []string{"connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "content-length"}

// meantFields reads a field list of an answer with that status, 0 for trailers; false if it is malformed or a field is none.
// A 426 says by Upgrade what it wants (RFC 9110 15.5.22).
func meantFields(list []byte, status uint16) ([]field, bool) {
	var fields []field
	for len(list) > 0 {
		if len(list) < 8 {
			return nil, false
		}
		id, nameLength := binary.LittleEndian.Uint16(list), int(binary.LittleEndian.Uint16(list[2:]))
		valueLength := int(binary.LittleEndian.Uint32(list[4:]))
		if list = list[8:]; nameLength+valueLength > len(list) {
			return nil, false
		}
		name, value := string(list[:nameLength]), string(list[nameLength:nameLength+valueLength])
		list = list[nameLength+valueLength:]
		if id != 0 {
			if nameLength != 0 || ring.Name(id) >= ring.NameCount {
				return nil, false
			}
			name = ring.Name(id).Lower()
		}
		if !isToken(name) || hasControlBytes(value) {
			return nil, false
		}
		if name = lower(name); !slices.Contains(hopByHop, name) || name == "upgrade" && status == 426 {
			fields = append(fields, field{name, strings.Trim(value, " \t")})
		}
	}
	return fields, true
}

func hasControlBytes(value string) bool {
	for i := range len(value) {
		if c := value[i]; (c < 0x20 && c != '\t') || c == 0x7f {
			return true
		}
	}
	return false
}

// answering follows the events of one exchange.
type answering struct {
	request asked
	answers []*meant
	final   *meant
	over    bool // nothing more counts
	cut     bool
}

func (a *answering) add(status uint16, fields []field) *meant {
	m := &meant{verdict: verdict{Parser: "meant", Head: accept, Body: accept, Major: 1, Minor: 1, Status: int(status), Fields: fields,
		Keep: true}, announced: -1}
	a.answers = append(a.answers, m)
	return m
}

// refuse is the gateway's own answer, or the end of the connection if another has begun.
func (a *answering) refuse(status uint16) {
	a.over = true
	if a.final != nil {
		a.break_()
		return
	}
	a.final = a.add(status, nil)
	a.final.own = true
	a.final.Keep = a.request.keep && !a.request.expects && !slices.Contains(closing, status)
}

// closing are the statuses with which the gateway ends a connection.
var closing = []uint16{400, 408, 413, 414, 417, 431, 501, 505}

// break_ cuts the connection: the answer is incomplete unless all that it has announced has been sent.
func (a *answering) break_() {
	a.over, a.cut = true, true
	a.final.Why = "cut"
}

func (a *answering) take(s *step) {
	if a.over {
		return
	}
	switch s.kind {
	case 'I':
		a.inform(s)
	case 'C':
		if a.request.expects && a.final == nil {
			a.add(100, nil)
			a.request.expects = false
		}
	case 'F':
		status := s.status
		if status < 400 || status > 599 {
			status = 502
		}
		a.refuse(status)
	case 'R':
		if a.final == nil {
			a.respond(s)
		}
	case 'B':
		if a.final != nil {
			a.body(s)
		}
	}
}

func (a *answering) inform(s *step) {
	if a.request.minor == 0 || a.final != nil {
		return // HTTP/1.0 knows no interim answers
	}
	fields, ok := meantFields(s.list, s.status)
	if !ok || s.status < 100 || s.status == 101 || s.status > 199 {
		a.refuse(502)
		return
	}
	a.add(s.status, fields)
}

func (a *answering) respond(s *step) {
	fields, ok := meantFields(s.list, s.status)
	// No body can have more bytes than a signed number counts: such a length would not be read alike by all.
	if !ok || s.status < 200 || s.status > 999 || (s.total != lengthUnknown && s.total > math.MaxInt64) {
		a.refuse(502)
		return
	}
	m := a.add(s.status, fields)
	a.final = m
	m.Keep = a.request.keep && !a.request.expects
	m.bodiless = a.request.head || s.status == 204 || s.status == 304
	for _, one := range fields {
		m.date = m.date || one[0] == "date"
		m.server = m.server || one[0] == "server"
	}
	promised := s.total
	if s.end && promised == lengthUnknown && !a.request.head {
		promised = uint64(len(s.body))
	}
	switch {
	case promised != lengthUnknown:
		if s.status != 204 && (s.status != 304 || promised != 0) {
			m.announced = int64(promised)
		}
	case m.bodiless:
	case a.request.minor > 0:
		m.chunked = true
	default:
		m.untilEnd = true
		m.Keep = false
	}
	m.Body = more
	a.body(s)
}

func (a *answering) body(s *step) {
	m := a.final
	fixed := !m.bodiless && m.announced >= 0
	if !m.bodiless {
		m.Data += s.body
	}
	switch {
	case fixed && len(m.Data) > int(m.announced):
		m.Data = m.Data[:m.announced]
		if s.kind == 'R' {
			m.Data = ""
		}
		a.break_()
	case s.end && fixed && len(m.Data) < int(m.announced):
		a.break_()
	case s.end:
		a.over = true
		m.Body = accept
		if m.chunked && s.kind == 'B' {
			trailers, ok := meantFields(s.list, 0)
			if !ok {
				m.Body = more
				a.break_()
			}
			m.Trailers = trailers
		}
	}
	if m.bodiless || (fixed && len(m.Data) == int(m.announced)) {
		m.Body = accept // to the client, whatever follows
	}
}

// meantBy is what a client has to read of a connection, which of the final answers are to HEAD, and whether the connection
// has to end: "", "close", or "reset" where only that shows the client that an answer is not complete.
func meantBy(c *connection) (answers []*meant, heads []bool, ends string) {
	requests := askedIn(c.requests)
	exchanges := make([]answering, 0, len(requests))
	for _, one := range requests {
		exchanges = append(exchanges, answering{request: one})
		if !one.keep {
			break // what follows is not read
		}
	}
	for i := range c.steps {
		if k := int(c.steps[i].exchange); k < len(exchanges) {
			exchanges[k].take(&c.steps[i])
		}
	}
	for i := range exchanges {
		a := &exchanges[i]
		answers = append(answers, a.answers...)
		if a.final != nil {
			heads = append(heads, a.request.head)
		}
		switch {
		case a.cut && a.final.untilEnd:
			return answers, heads, "reset"
		case a.cut || (a.over && !a.final.Keep):
			return answers, heads, "close"
		}
		if !a.over {
			break
		}
	}
	return answers, heads, ""
}
