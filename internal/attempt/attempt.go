// Package attempt has what bridge and envhttp both know of requests that were given to a handler before, whose worker died.
package attempt

import (
	"net/http"
	"strconv"
	"strings"
)

// Header is the field of an http.Request that tells it; see bridge.AttemptHeader.
const Header = "X-Ringway-Attempt"

// Key is that of the number, a uint8, in a request's context, where no client can put it.
type Key struct{}

// Says tells whether a field's name is the header's, also as an environment in the way of CGI spells it.
func Says(name string) bool {
	return len(name) == len(Header) && strings.EqualFold(strings.ReplaceAll(name, "_", "-"), Header)
}

// Tell sets the header of a request that is not the first.
func Tell(h http.Header, n int) {
	if n != 0 {
		h[Header] = []string{strconv.Itoa(n)}
	}
}
