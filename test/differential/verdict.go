package differential

import (
	"encoding/hex"
	"fmt"
)

// Stages of a head or a body: accepted, refused, or not complete.
const (
	accept = "accept"
	reject = "reject"
	more   = "more"
)

// text is a byte string that is hexadecimal in JSON.
type text string

func (t *text) UnmarshalText(digits []byte) error {
	decoded, err := hex.DecodeString(string(digits))
	if err != nil {
		return fmt.Errorf("byte string %q: %w", digits, err)
	}
	*t = text(decoded)
	return nil
}

// field is a name and a value.
type field [2]text

// verdict is what one parser has made of an input that begins with a request. Fields other than Head and Why mean
// something only if the head was accepted, Used, Data and Trailers only if the body was, too.
type verdict struct {
	Parser    string
	Head      string
	Body      string
	Why       string // of a refusal: status and reason, or the parser's own error
	Major     int
	Minor     int
	Keep      bool
	Upgrade   bool
	Framing   string // none, length, chunked; only Ringway says
	Method    text
	Target    text
	Authority text
	Fields    []field
	Data      text
	Trailers  []field
	Used      int // bytes of the whole message
}

func (v *verdict) String() string {
	switch {
	case v.Head != accept:
		return fmt.Sprintf("%s: head %s %s", v.Parser, v.Head, v.Why)
	case v.Body != accept:
		return fmt.Sprintf("%s: %s %s HTTP/%d.%d %v, body %s %s", v.Parser, v.Method, v.Target, v.Major, v.Minor, v.Fields,
			v.Body, v.Why)
	}
	return fmt.Sprintf("%s: %s %s HTTP/%d.%d for %q %v keep %t, %d bytes, data %q trailers %v", v.Parser, v.Method,
		v.Target, v.Major, v.Minor, v.Authority, v.Fields, v.Keep, v.Used, v.Data, v.Trailers)
}
