package differential

import "fmt"

// Stages of a head or a body: accepted, refused, or not complete.
const (
	accept = "accept"
	reject = "reject"
	more   = "more"
)

// field is a name and a value.
type field [2]string

// verdict is what one parser has made of a message of a stream. Fields other than Head and Why mean something only if the
// head was accepted, Used, Data and Trailers only if the body was, too.
type verdict struct {
	Parser    string
	Head      string
	Body      string
	Why       string // of a refusal: status and reason, or the parser's own error
	Major     int
	Minor     int
	Status    int // of an answer
	Keep      bool
	Upgrade   bool
	Method    string
	Target    string
	Authority string
	Fields    []field
	Data      string
	Trailers  []field
	Used      int // bytes of the whole message
}

func (v *verdict) String() string {
	switch {
	case v.Head != accept:
		return fmt.Sprintf("%s: head %s %s", v.Parser, v.Head, v.Why)
	case v.Body != accept:
		return fmt.Sprintf("%s: %d %s %s HTTP/%d.%d %q, body %s %s", v.Parser, v.Status, v.Method, v.Target, v.Major, v.Minor, v.Fields,
			v.Body, v.Why)
	}
	return fmt.Sprintf("%s: %d %s %s HTTP/%d.%d for %q %q keep %t, %d bytes, data %q trailers %q", v.Parser, v.Status, v.Method,
		v.Target, v.Major, v.Minor, v.Authority, v.Fields, v.Keep, v.Used, v.Data, v.Trailers)
}
