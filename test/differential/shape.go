package differential

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// shape is an input read as loosely as any recipient might: lines end at LF, whatever stands before it. The predicates
// of the classes look at it; it shares nothing with the parser under test.
type shape struct {
	raw      string
	empty    int    // empty lines before the request line
	first    string // the request line without its line end
	method   string
	target   string
	version  string
	lines    []string // field lines without their line ends
	complete bool     // there was an empty line at the end
	badEnds  bool     // a line of the head ends with a bare LF, or has a CR inside
	body     string
}

func shapeOf(input []byte) *shape {
	s := &shape{raw: string(input)}
	rest := s.raw
	started := false
	for rest != "" {
		line, after, found := strings.Cut(rest, "\n")
		if !found {
			s.badEnds = s.badEnds || strings.Contains(strings.TrimSuffix(line, "\r"), "\r")
			s.add(&started, line)
			return s
		}
		rest = after
		bare := !strings.HasSuffix(line, "\r")
		line = strings.TrimSuffix(line, "\r")
		s.badEnds = s.badEnds || bare || strings.Contains(line, "\r")
		if line == "" && !started {
			s.empty++
			continue
		}
		if line == "" {
			s.complete, s.body = true, rest
			return s
		}
		s.add(&started, line)
	}
	return s
}

func (s *shape) add(started *bool, line string) {
	if *started {
		s.lines = append(s.lines, line)
		return
	}
	*started = true
	s.first = line
	s.method, s.target, _ = strings.Cut(line, " ")
	if at := strings.LastIndexByte(s.target, ' '); at >= 0 {
		s.target, s.version = s.target[:at], s.target[at+1:]
	}
}

// values of all fields with that name, trimmed of blanks.
func (s *shape) values(name string) []string {
	var found []string
	for _, line := range s.lines {
		if before, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(before, name) {
			found = append(found, strings.Trim(value, " \t"))
		}
	}
	return found
}

var (
	isToken     = regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+$").MatchString
	isVersion   = regexp.MustCompile(`^HTTP/1\.[0-9]$`).MatchString
	isLength    = regexp.MustCompile(`^[0-9]+$`).MatchString
	isOrigin    = regexp.MustCompile(`^/[!"$-~]*$`).MatchString
	absolute    = regexp.MustCompile(`^(?i:https?)://([^/?#]+)([/?][!"$-~]*)?$`)
	isRegName   = regexp.MustCompile(`^([0-9A-Za-z\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$`).MatchString
	isPort      = regexp.MustCompile(`^(:0*[0-9]{0,5})?$`).MatchString
	badEscape   = regexp.MustCompile(`%([^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|.?$)`).MatchString
	isStrictExt = regexp.MustCompile("^(;[!#$%&'*+\\-.^_`|~0-9A-Za-z]+(=([!#$%&'*+\\-.^_`|~0-9A-Za-z]+|\"([^\"\\\\]|\\\\.)*\"))?)*$").MatchString
)

func isAuthority(value string) bool {
	host, port := value, ""
	if strings.HasPrefix(value, "[") {
		at := strings.IndexByte(value, ']')
		if at < 0 {
			return false
		}
		host, port = value[1:at], value[at+1:]
		if address, err := netip.ParseAddr(host); err != nil || !address.Is6() || address.Zone() != "" {
			return false
		}
	} else {
		if at := strings.IndexByte(value, ':'); at >= 0 {
			host, port = value[:at], value[at:]
		}
		if !isRegName(host) {
			return false
		}
	}
	if !isPort(port) {
		return false
	}
	number, _ := strconv.Atoi(strings.TrimPrefix(port, ":"))
	return number <= 65535
}

func isTarget(method, target string) bool {
	if isOrigin(target) {
		return true
	}
	if target == "*" {
		return method == "OPTIONS"
	}
	parts := absolute.FindStringSubmatch(target)
	return parts != nil && isAuthority(parts[1])
}

var (
	isSizeLine = regexp.MustCompile(`^[0-9A-Fa-f]{1,16}([ \t]*;[\t -~\x{80}-\x{10ffff}]*)?$`).MatchString
	spacedSize = regexp.MustCompile(`^[0-9A-Fa-f]+[ \t]+;`).MatchString
)

// chunks is a chunked body as the grammar has it.
type chunks struct {
	fault    string   // what is wrong first, "" if nothing is
	complete bool     // up to the last empty line; false with a fault
	sizes    []string // the size lines
	begun    string   // a size line that has not ended
	trailers []string
}

// wide makes every byte a code point, for patterns with bytes above ASCII.
func wide(bytes string) string {
	var out strings.Builder
	for i := range len(bytes) {
		out.WriteRune(rune(bytes[i]))
	}
	return out.String()
}

func chunksOf(body string) chunks {
	var c chunks
	for {
		line, after, found := strings.Cut(body, "\r\n")
		if strings.ContainsAny(line, "\n\x00") || strings.Contains(strings.TrimSuffix(line, "\r"), "\r") {
			c.fault = "size line end"
			return c
		}
		if !found {
			c.begun = line
			// What has come of the line may be wrong already.
			begun, ended := strings.CutSuffix(line, "\r")
			if line != "" && !isSizeLine(wide(begun)) && (ended || !isSizeLine(wide(begun)+";")) {
				c.fault = "begun size"
			}
			return c
		}
		digits, _, _ := strings.Cut(line, ";")
		size, err := strconv.ParseInt(strings.TrimRight(digits, " \t"), 16, 64)
		if err != nil || !isSizeLine(wide(line)) {
			c.fault = "size"
			return c
		}
		c.sizes = append(c.sizes, line)
		if body = after; size == 0 {
			break
		}
		if int64(len(body)) < size {
			return c
		}
		if body = body[size:]; !strings.HasPrefix(body, "\r\n") {
			if body != "" && body != "\r" {
				c.fault = "data end"
			}
			return c
		}
		body = body[2:]
	}
	for {
		line, after, found := strings.Cut(body, "\n")
		if !found {
			return c
		}
		line, ended := strings.CutSuffix(line, "\r")
		if !ended {
			c.fault = "trailer line end"
			return c
		}
		if line == "" {
			c.complete = true
			break
		}
		c.trailers = append(c.trailers, line)
		body = after
	}
	for _, line := range c.trailers {
		name, _, found := strings.Cut(line, ":")
		if !found || !isToken(name) || hasControls(line) {
			c.fault, c.complete = "trailer", false
		}
	}
	return c
}

// hasControls tells of a byte that no field value may have.
func hasControls(value string) bool {
	return strings.ContainsFunc(value, func(r rune) bool { return (r < 0x20 && r != '\t') || r == 0x7f })
}

func (s *shape) any(matches func(line string) bool) bool {
	for _, line := range s.lines {
		if matches(line) {
			return true
		}
	}
	return false
}
