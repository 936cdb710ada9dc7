package differential

import (
	"maps"
	"slices"
	"strconv"
)

// gatewayFields are those that the gateway writes itself.
var gatewayFields = []string{"connection", "transfer-encoding", "content-length"}

// compareAnswer lists in what a client reads an answer otherwise than it is meant.
func compareAnswer(input []byte, before [][]byte, ours *meant, theirs *verdict, ended bool) []difference {
	var found []difference
	differs := func(what string) {
		found = append(found, difference{"answer " + what, input, before, &ours.verdict, theirs})
	}
	if theirs.Head != accept {
		differs("head " + ours.Head + "/" + theirs.Head)
		return found
	}
	if ours.Status != theirs.Status || theirs.Major != 1 || theirs.Minor != 1 {
		differs("status")
	}
	fields := byName(theirs.Fields)
	if theirs.Parser == "llhttp" { // net/http keeps the framing fields elsewhere
		if fault := framingFault(ours, fields); fault != "" {
			differs(fault)
		}
	}
	if ours.Body != theirs.Body {
		differs("body " + ours.Body + "/" + theirs.Body)
		return found
	}
	if ours.own {
		if ours.Keep != theirs.Keep || len(theirs.Trailers) > 0 {
			differs("of the gateway's own")
		}
		return found
	}
	if !sameAnswerFields(ours, fields, theirs.Parser) {
		differs("fields")
	}
	if ours.Data != theirs.Data {
		differs("data")
	}
	if ours.Body != accept {
		return found
	}
	if !sameFields(ours.Trailers, theirs.Trailers, theirs.Parser) {
		differs("trailers")
	}
	if ours.Why == "" && ours.Keep != theirs.Keep && (ended || theirs.Keep) {
		differs("keep")
	}
	return found
}

// framingFault says which of the framing fields is not as it has to be.
func framingFault(m *meant, fields map[string][]string) string {
	if m.own || m.Status < 200 {
		return ""
	}
	coding, length := fields["transfer-encoding"], fields["content-length"]
	switch {
	case m.chunked && !slices.Equal(coding, []string{"chunked"}), !m.chunked && len(coding) != 0:
		return "transfer-encoding"
	case m.announced >= 0 && !slices.Equal(length, []string{strconv.FormatInt(m.announced, 10)}), m.announced < 0 && len(length) != 0:
		return "content-length"
	}
	return ""
}

func sameAnswerFields(m *meant, theirs map[string][]string, parser string) bool {
	ours := byName(m.Fields)
	rest := maps.Clone(theirs)
	for _, name := range gatewayFields {
		delete(rest, name)
	}
	if m.Status >= 200 && len(ours["date"]) == 0 {
		delete(rest, "date")
	}
	if m.Status >= 200 && len(ours["server"]) == 0 {
		delete(rest, "server")
	}
	if parser == "net/http" {
		forgetElsewhere(ours, rest)
	}
	return maps.EqualFunc(ours, rest, slices.Equal[[]string])
}
