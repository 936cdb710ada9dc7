package envmap

import (
	"fmt"
	"slices"
	"strconv"

	"ringway/ring"
)

// phase is how far a response has come.
type phase uint8

const (
	phaseOpen     phase = iota // status and fields may change
	phaseRejected              // sealing found a value that no response can be made of; a 500 will be sent
	phaseHeld                  // head sealed; it and the body so far are still here
	phaseBegun                 // the exchange has the head
	phaseBroken                // a call into the exchange failed
)

// bodyHeld is how much of a body is held back, so that small responses leave in one piece and with their length.
const bodyHeld = 4096

// response is the response side of a state. What is written after begin is written with state.write and state.mu held.
type response struct {
	phase    phase
	isHead   bool // the request's method is HEAD: the body is counted, not sent
	status   int
	fields   fieldStore
	head     ResponseHead
	declared int64 // Content-Length of the application, or LengthUnknown

	// Under state.write alone.
	written  int64 // body bytes accepted from the application
	body     []byte
	reserved reservation
	spare    []byte // what Reserve gave out
	failure  error  // why phase is Rejected or Broken
}

func (r *response) begin(b block) {
	r.status = 200
	r.isHead = b.isHead()
	r.declared = LengthUnknown
}

func (r *response) clean() {
	r.fields.clean()
	clear(r.head.Fields)
	r.head = ResponseHead{Fields: r.head.Fields[:0]}
	r.phase, r.written, r.failure = phaseOpen, 0, nil
	r.body = r.body[:0]
	r.reserved, r.spare = reservedNone, nil
}

func (r *response) sealed() bool { return r.phase != phaseOpen }

// move makes the only changes of phase. Precondition: both locks held, or no application running.
func (r *response) move(to phase, why error) {
	ok := false
	switch to {
	case phaseRejected, phaseHeld:
		ok = r.phase == phaseOpen
	case phaseBegun:
		ok = r.phase == phaseHeld
	case phaseBroken:
		ok = r.phase == phaseBegun || r.phase == phaseHeld
	}
	if !ok {
		panic(fmt.Sprintf("envmap: response phase %d cannot become %d", r.phase, to))
	}
	r.phase, r.failure = to, why
}

// bodyless says whether the status has no body by definition.
func (r *response) bodyless() bool {
	return r.head.Status == 204 || r.head.Status == 304 || r.head.Status == statusUpgrade
}

// room returns how many bytes the body may still have, at most n.
func (r *response) room(n int) int {
	if r.declared >= 0 {
		return int(min(int64(n), r.declared-r.written))
	}
	return n
}

// seal makes the head from what the application left in the dictionary. Precondition: both locks held, phase open.
func (s *state) seal() error { return s.sealFor(false) }

// sealFor is seal; last says that the application has returned without a write.
func (s *state) sealFor(last bool) error {
	r := &s.response
	err := s.sendingErr
	if err == nil {
		err = s.fillHead()
	}
	if err == nil && last && r.declared > 0 && !r.isHead && !r.bodyless() {
		err = ErrShortBody
	}
	if err != nil {
		r.move(phaseRejected, err)
		return err
	}
	r.move(phaseHeld, nil)
	return nil
}

func (s *state) fillHead() error {
	r := &s.response
	status, reason := r.status, ""
	if s.gone.has(kStatus) {
		status = 200
	}
	if s.set.has(kStatus) {
		v, ok := s.values[kStatus].(int)
		if !ok {
			return typeError(KeyResponseStatusCode, s.values[kStatus], "int")
		}
		status = v
	}
	if (status < 200 || status > 999) && (status != statusUpgrade || s.upgrade == nil) {
		return &ValueError{Key: KeyResponseStatusCode, Value: strconv.Itoa(status), Want: "200 to 999"}
	}
	if s.set.has(kReason) {
		v, ok := s.values[kReason].(string)
		if !ok {
			return typeError(KeyResponseReasonPhrase, s.values[kReason], "string")
		}
		if !ring.IsReason(v) {
			return &ValueError{Key: KeyResponseReasonPhrase, Value: strconv.Quote(shorten(v)), Want: fmt.Sprintf("at most %d bytes without control characters", ring.ReasonBytes)}
		}
		reason = v
	}
	if s.set.has(kResponseProtocol) {
		if _, ok := s.values[kResponseProtocol].(string); !ok {
			return typeError(KeyResponseProtocol, s.values[kResponseProtocol], "string")
		}
	}
	if err := s.fillFields(); err != nil {
		return err
	}
	r.head.Status, r.head.Reason, r.head.Length = status, reason, r.declared
	switch {
	case status == 204:
		r.head.Length = 0
	case status == statusUpgrade:
		r.head.Length = LengthUnknown
		s.nameProtocol()
	case s.upgrade != nil:
		r.head.Cancel = errGaveUpUpgrade
	}
	return nil
}

func (s *state) fillFields() error {
	r := &s.response
	if s.set.has(kResponseHeaders) && r.fields.assigned == nil {
		return typeError(KeyResponseHeaders, s.values[kResponseHeaders], "Headers, http.Header or map[string][]string")
	}
	for _, l := range r.fields.list {
		if err := r.addField(l.Name, l.Value); err != nil {
			return err
		}
	}
	if r.fields.assigned == nil {
		return nil
	}
	names := make([]string, 0, len(r.fields.assigned))
	for name := range r.fields.assigned {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := r.fields.assigned[name]
		if values == nil {
			return &ValueError{Key: KeyResponseHeaders, Field: name, Value: "a nil slice", Want: "a slice of values"}
		}
		for _, v := range values {
			if err := r.addField(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *response) addField(name, value string) error {
	if !validName(name) {
		return &ValueError{Key: KeyResponseHeaders, Field: name, Value: "under no valid name", Want: "a token as name"}
	}
	if !validValue(value) {
		return &ValueError{
			Key: KeyResponseHeaders, Field: name, Value: strconv.Quote(shorten(value)), Want: "no CR, LF or NUL",
		}
	}
	if !equalFold(name, "content-length") {
		r.head.Fields = append(r.head.Fields, Field{name, value})
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || value[0] == '+' || r.declared >= 0 && r.declared != n {
		return &ValueError{
			Key: KeyResponseHeaders, Field: name, Value: strconv.Quote(shorten(value)), Want: "one number of bytes",
		}
	}
	r.declared = n
	return nil
}
