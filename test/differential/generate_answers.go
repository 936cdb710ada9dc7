package differential

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"ringway/ring"
)

const lengthUnknown = math.MaxUint64 // RING_LENGTH_UNKNOWN

// Parts of answers. The worker is not trusted: names and values try to become other fields, other framing or other answers.
var (
	answerStatuses = []uint16{200, 200, 200, 200, 201, 204, 205, 206, 301, 304, 304, 400, 404, 418, 426, 500, 502, 503, 599, 600, 999, 222}
	oddStatuses    = []uint16{0, 1, 99, 100, 101, 103, 199, 1000, 1200, 65535}
	informStatuses = []uint16{103, 103, 102, 100, 199, 110}
	oddInforms     = []uint16{101, 99, 0, 200, 404, 1000}
	failStatuses   = []uint16{0, 502, 503, 504, 500, 400, 404, 413, 599, 200, 103, 600, 65535}

	answerNames = []string{"Content-Type", "Etag", "Cache-Control", "Set-Cookie", "Set-Cookie", "Location", "Vary", "X-One", "x-two", "Link",
		"Last-Modified", "Pragma", "Expires", "Retry-After", "X-Content-Type-Options", "Age", "X_Under", "!#$%&'*+-.^`|~"}
	framingNames = []string{"Content-Length", "content-length", "CONTENT-LENGTH", "Transfer-Encoding", "transfer-encoding", "Connection",
		"connection", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade", "Trailer", "Date", "Server", "Host", "Expect"}
	hostileNames = []string{"", "X\r\nY", "X:", "X Y", " X", "X ", "X\x00", "X\n", "X\r", "X\xe4", "X: y\r\nSet-Cookie", "Content-Length ",
		"\tContent-Length", "Content-Length:", "X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length", "\r\n", "X(", "\"X\"", "X/Y", "Transfer-Encoding\x00"}
	answerValues  = []string{"x", "", "a, b", "text/html; charset=utf-8", "no-cache", "0", "\"quoted\"", "a\tb", "\xff\x80", "close", "/x?y"}
	framingValues = []string{"0", "5", "100", "chunked", "gzip, chunked", "identity", "close", "keep-alive", "X-One", "5, 5", "-1",
		"18446744073709551615", "upgrade", "trailers", "content-length", "x"}
	hostileValues = []string{"x\r\nSet-Cookie: evil=1", "x\r\nContent-Length: 0", "x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "\r\n",
		"x\n", "x\nTransfer-Encoding: chunked", "x\r", "\x00", "x\x00y", "x\r\n folded", "\x7f", "\x01", "x\x0by", "x\rContent-Length: 0\r\r",
		"\xc4\x8d\xc4\x8a", "x%0d%0aSet-Cookie: a", " ", "\t", " x ", "\t x\t", strings.Repeat("v", 500)}
	answerBodies = []string{"", "hello", "x", "\r\n", "0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "\x00\xff",
		strings.Repeat("a", 255), strings.Repeat("b", 256), strings.Repeat("c", 257), strings.Repeat("d", 3000), "\n", "Set-Cookie: a\r\n\r\n"}
	hugeTotals = []uint64{math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64 - 1, math.MaxUint64 - 5, 1 << 32, 1<<32 + 5, 1 << 62}
)

// fieldList makes a field list as a worker would write it into its segment, or as a broken or hostile one would.
func (g *generator) fieldList(most int) []byte {
	var list []byte
	for count := g.random.IntN(most + 1); count > 0; count-- {
		name, value := g.one(answerNames), g.one(answerValues)
		switch {
		case g.chance(15):
			name, value = g.one(framingNames), g.one(framingValues)
		case g.trap(6):
			name = g.one(hostileNames)
		case g.trap(6):
			value = g.one(hostileValues)
		}
		id := ring.NameOther
		if g.chance(70) {
			id = ring.LookupName(name)
		}
		list = ring.AppendField(list, id, name, value)
	}
	if len(list) > 0 && g.trap(12) {
		list = g.breakList(list)
	}
	return list
}

// breakList mutates the bytes of a list: its lengths and numbers too.
func (g *generator) breakList(list []byte) []byte {
	switch g.random.IntN(4) {
	case 0: // a number or length of the first entry
		at := 2 * g.random.IntN(3)
		binary.LittleEndian.PutUint16(list[at:], uint16(g.random.IntN(80)))
	case 1:
		binary.LittleEndian.PutUint32(list[4:], uint32(g.random.Uint64()>>g.random.IntN(64)))
	case 2:
		return list[:g.random.IntN(len(list))]
	default:
		return g.mutate(list)
	}
	return list
}

// connection makes a client with one to three requests and what the worker does about them.
func (g *generator) connection() *connection {
	g.text.Reset()
	g.mutant = false
	g.tame = g.chance(30)
	c := &connection{}
	if g.chance(5) {
		c.options |= smallBuffers
	}
	if g.chance(50) {
		c.options |= named
	}
	var plans [][]step
	for count := 1 + g.random.IntN(4)/2 + g.random.IntN(2); count > 0; count-- {
		alone := len(plans) == 0 && count == 1
		expects := g.answeredRequest(alone)
		plans = append(plans, g.plan(byte(len(plans)), expects))
	}
	c.requests = g.text.String()
	if strings.Contains(c.requests, "HTTP/1.0") {
		c.options |= watched
	}
	// The requests are answered in any order.
	for len(plans) > 0 {
		k := g.random.IntN(len(plans))
		c.steps = append(c.steps, plans[k][0])
		if plans[k] = plans[k][1:]; len(plans[k]) == 0 {
			plans = append(plans[:k], plans[k+1:]...)
		}
	}
	if g.mutant {
		g.mutated++
	}
	return c
}

// answeredRequest writes a valid request. Only if it is alone it may have a body or not be safe. True: it waits for 100.
func (g *generator) answeredRequest(alone bool) bool {
	method := g.one([]string{"GET", "GET", "GET", "HEAD", "OPTIONS"})
	body := ""
	expects := false
	if alone && g.chance(40) {
		method = g.one([]string{"POST", "PUT", "FOO", "HEAD", "GET"})
		body = g.one([]string{"", "Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
			"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"})
		expects = strings.HasPrefix(body, "Expect")
	}
	version := "1.1"
	if g.chance(20) && !strings.Contains(body, "Transfer") {
		version = "1.0"
		expects = false
	}
	g.text.WriteString(method + " / HTTP/" + version + "\r\nHost: a\r\n")
	if g.chance(25) {
		g.text.WriteString("Connection: " + g.one([]string{"close", "keep-alive", "keep-alive"}) + "\r\n")
	}
	if body == "" {
		body = "\r\n"
	}
	g.text.WriteString(body)
	return expects
}

// plan is what the worker does with one request: never nothing.
func (g *generator) plan(exchange byte, expects bool) []step {
	var plan []step
	add := func(s step) {
		s.exchange, s.flush = exchange, g.chance(40)
		plan = append(plan, s)
	}
	for g.chance(15) {
		statuses := informStatuses
		if g.trap(10) {
			statuses = oddInforms
		}
		add(step{kind: 'I', status: statuses[g.random.IntN(len(statuses))], list: g.fieldList(3)})
	}
	if expects && g.chance(60) || g.trap(3) {
		add(step{kind: 'C'})
	}
	if g.trap(5) {
		add(step{kind: 'F', status: failStatuses[g.random.IntN(len(failStatuses))]})
		return plan
	}
	response := step{kind: 'R', status: answerStatuses[g.random.IntN(len(answerStatuses))], list: g.fieldList(6), body: g.one(answerBodies)}
	if g.trap(8) {
		response.status = oddStatuses[g.random.IntN(len(oddStatuses))]
	}
	response.end = g.chance(40)
	pieces := []step{response}
	for !pieces[len(pieces)-1].end {
		pieces = append(pieces, step{kind: 'B', body: g.one(answerBodies), end: g.chance(50)})
	}
	if last := &pieces[len(pieces)-1]; last.kind == 'B' && g.chance(40) {
		last.list = g.fieldList(3)
	}
	pieces[0].total = g.total(pieces)
	if len(pieces) > 1 && g.trap(8) {
		cut := 1 + g.random.IntN(len(pieces)-1)
		pieces = pieces[:cut]
		if g.chance(60) {
			pieces = append(pieces, step{kind: 'F', status: failStatuses[g.random.IntN(len(failStatuses))]})
		}
	}
	for _, one := range pieces {
		add(one)
	}
	return plan
}

// total is the length that the worker claims for its body.
func (g *generator) total(pieces []step) uint64 {
	sum := 0
	for i := range pieces {
		sum += len(pieces[i].body)
	}
	switch {
	case g.chance(45):
		return lengthUnknown
	case g.trap(15):
		wrong := sum - 3 + g.random.IntN(7)
		return uint64(max(wrong, 0))
	case g.trap(4):
		return hugeTotals[g.random.IntN(len(hugeTotals))]
	case g.trap(4):
		return uint64(g.random.IntN(10))
	}
	return uint64(sum)
}

func (s *step) String() string {
	text := string(s.kind) + strconv.Itoa(int(s.exchange)) + " " + strconv.Itoa(int(s.status))
	if s.kind == 'R' {
		text += " total " + strconv.FormatUint(s.total, 10)
	}
	if s.end {
		text += " end"
	}
	return text + " list " + strconv.Quote(string(s.list)) + " body " + strconv.Quote(s.body)
}
