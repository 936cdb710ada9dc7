package envmap

import (
	"strconv"

	"ringway/ring"
)

// block is the request block as the decoders below use it. Its methods come from package ring, which checks every offset;
// none of them keeps or copies bytes.
type block struct{ ring.Request }

func parseBlock(b []byte) (block, error) {
	r, err := ring.ParseRequest(b)
	return block{r}, err
}

var methodNames = [...]string{
	ring.MethodGet:     "GET",
	ring.MethodHead:    "HEAD",
	ring.MethodPost:    "POST",
	ring.MethodPut:     "PUT",
	ring.MethodDelete:  "DELETE",
	ring.MethodOptions: "OPTIONS",
	ring.MethodPatch:   "PATCH",
	ring.MethodTrace:   "TRACE",
	ring.MethodConnect: "CONNECT",
}

func (b block) methodText() string {
	if m := b.Method(); int(m) < len(methodNames) && methodNames[m] != "" {
		return methodNames[m]
	}
	return string(b.MethodName())
}

func (b block) isHead() bool { return b.Method() == ring.MethodHead }

func (b block) scheme() string {
	if b.HTTPS() {
		return "https"
	}
	return "http"
}

func (b block) protocol() string {
	switch v := b.Version(); v {
	case 0x11:
		return "HTTP/1.1"
	case 0x10:
		return "HTTP/1.0"
	case 0x20:
		return "HTTP/2"
	default:
		return "HTTP/" + strconv.Itoa(int(v>>4)) + "." + strconv.Itoa(int(v&15))
	}
}

// find returns the value of the first field with a name.
func (b block) find(name string) ([]byte, bool) {
	want := ring.LookupName(name)
	for i := range b.FieldCount() {
		id, n, value := b.Field(i)
		if id == want && (id != ring.NameOther || equalFold(n, name)) {
			return value, true
		}
	}
	return nil, false
}
