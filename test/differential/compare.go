package differential

import (
	"maps"
	"slices"
	"strings"
)

// difference is one thing in which a foreign verdict is not Ringway's.
type difference struct {
	// what is "head reject/accept" (Ringway's word first), "body accept/reject" and so on, or the name of the part
	// that two accepting parsers read differently.
	what   string
	input  []byte   // from the message on
	before [][]byte // the messages before it in its stream
	ours   *verdict
	theirs *verdict
}

// stops tells whether the two parsers are no longer at the same place of the stream after this difference.
func (d *difference) stops() bool {
	what := strings.TrimPrefix(d.what, "answer ")
	return strings.HasPrefix(what, "head ") || strings.HasPrefix(what, "body ") || what == "used" || what == "keep" ||
		what == "end of stream"
}

// compare lists the differences between Ringway's verdict on a message and another.
func compare(input []byte, before [][]byte, ours, theirs *verdict) []difference {
	var found []difference
	differs := func(what string) {
		found = append(found, difference{what, input, before, ours, theirs})
	}
	if ours.Head != theirs.Head {
		differs("head " + ours.Head + "/" + theirs.Head)
		return found
	}
	if ours.Head != accept {
		return found
	}
	if ours.Method != theirs.Method {
		differs("method")
	}
	if ours.Target != theirs.Target {
		differs("target")
	}
	if theirs.Major != 1 || ours.Minor != theirs.Minor {
		differs("version")
	}
	if theirs.Parser == "net/http" && ours.Authority != theirs.Authority {
		differs("authority")
	}
	if ours.Keep != theirs.Keep {
		differs("keep")
	}
	if !sameFields(ours.Fields, endToEnd(theirs), theirs.Parser) {
		differs("fields")
	}
	if ours.Body != theirs.Body {
		differs("body " + ours.Body + "/" + theirs.Body)
		return found
	}
	if ours.Body != accept {
		return found
	}
	if ours.Data != theirs.Data {
		differs("data")
	}
	if ours.Used != theirs.Used {
		differs("used")
	}
	if !sameFields(ours.Trailers, allowedTrailers(theirs.Trailers), theirs.Parser) {
		differs("trailers")
	}
	return found
}

func lower(name string) string {
	return strings.ToLower(name)
}

// connectionOptionsOf collects the members of all Connection fields, in lower case.
func connectionOptionsOf(fields []field) map[string]bool {
	options := map[string]bool{}
	for _, one := range fields {
		if lower(one[0]) != "connection" {
			continue
		}
		for member := range strings.SplitSeq(one[1], ",") {
			options[strings.ToLower(strings.Trim(member, " \t"))] = true
		}
	}
	return options
}

// endToEnd is what Ringway's index should hold of another parser's fields: no hop-by-hop fields, no underscores.
func endToEnd(v *verdict) []field {
	options := connectionOptionsOf(v.Fields)
	upgrade := v.Minor > 0 && options["upgrade"] &&
		slices.ContainsFunc(v.Fields, func(one field) bool { return lower(one[0]) == "upgrade" && one[1] != "" })
	var kept []field
	for _, one := range v.Fields {
		name := lower(one[0])
		switch name {
		case "te", "keep-alive", "proxy-connection", "transfer-encoding":
			continue
		case "connection", "upgrade":
			if !upgrade {
				continue
			}
		case "host", "content-length":
		default:
			if options[name] || strings.Contains(name, "_") {
				continue
			}
		}
		kept = append(kept, one)
	}
	return kept
}

// notInTrailers are the fields of this test's vocabulary that RFC 9110 6.5.1 keeps out of trailers, and those that only a
// trusted peer may send; of these also all that begin with X-Forwarded-.
var notInTrailers = []string{"content-length", "transfer-encoding", "host", "trailer", "connection", "te", "upgrade", "keep-alive",
	"proxy-connection", "expect", "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
	"cache-control", "pragma", "max-forwards", "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "cookie",
	"set-cookie", "content-type", "content-encoding", "content-range", "forwarded", "x-real-ip", "x-request-id"}

func allowedTrailers(fields []field) []field {
	var kept []field
	for _, one := range fields {
		if name := lower(one[0]); !slices.Contains(notInTrailers, name) && !strings.HasPrefix(name, "x-forwarded-") &&
			!strings.Contains(name, "_") {
			kept = append(kept, one)
		}
	}
	return kept
}

// sameFields compares values by name, in order. From net/http's map the fields are left out that it keeps elsewhere.
func sameFields(ours, theirs []field, parser string) bool {
	left, right := byName(ours), byName(theirs)
	if parser == "net/http" {
		forgetElsewhere(left, right)
	}
	return maps.EqualFunc(left, right, slices.Equal[[]string])
}

func forgetElsewhere(ours, theirs map[string][]string) {
	for _, elsewhere := range []string{"host", "trailer", "transfer-encoding"} {
		delete(ours, elsewhere)
		delete(theirs, elsewhere)
	}
	// It adds a Cache-Control of its own to a Pragma.
	if pragma := theirs["pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" && ours["cache-control"] == nil {
		delete(theirs, "cache-control")
	}
}

func byName(fields []field) map[string][]string {
	result := map[string][]string{}
	for _, one := range fields {
		result[lower(one[0])] = append(result[lower(one[0])], one[1])
	}
	return result
}
