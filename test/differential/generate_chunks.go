package differential

import (
	"strconv"
	"strings"
)

// Parts of chunked bodies, usual and odd.
var (
	chunkData = []string{"x", "hello", "\r\n", "0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "0123456789abcdef", "\x00\xff", "a\r",
		"\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "\n", "POST /in HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"}
	oddSizes = []string{"", "-1", "+1", "0x1", " 1", "1 ", "1\t", "g", "1 0", "ffffffffffffffff", "7fffffffffffffff", "8000000000000000",
		"10000000000000001", "0000000000000001", "00000000000000001", "1\x00", "1\v", "_1", "1_0", "\xb2", "1,", "0000000000000000000001",
		"1;\n", "\t1", "1 \t ", "1\r", "\r1", "1.0", "1h", "100000000", "ffffffff", "100000001", "0x", "`1", "@1", "G", "1/", "1:"}
	extensions = []string{";a", ";a=b", ";a=\"b;c\"", " ;a", ";a = b", ";", ";;", ";=", "; a=b", ";a=\"b", ";a=\"\\\"\"", ";\xff", ";a\x00", ";a\rb",
		";a\nb", "; ", "\t;a", ";a=b ", ";a b", ";a=\"b\"c", ";a;b=c;d", ";a(", ";a=(", ";a=", ";a=\"\xff\"", ";a=\"\t \"", ";a=\"\x01\"",
		";a=\"\\\x01\"", ";a=\"b\r\n", ";a=\"\r\n\"", ";a='b'", " \t ;\t a", ";a=b;a=c", ";5", ";chunked", ";a=\"0\";b", ";a\v", ";\x7f", "\r;a",
		";a=\"\\", ";a==b", ";a,b"}
	lastSizes = []string{"00", "0000000000", "0000000000000000", "00000000000000000", "", "-0", "0x0", "+0", " 0", "0 ", "00x", "0\t"}

	trailers = []string{"X-Sum: 1\r\n", "Etag: \"a\"\r\n", "x-sum:2\r\n", "X-Empty:\r\n", "X-Long: a b \t c \r\n", "Server-Timing: db;dur=5\r\n",
		"Digest: sha-256=x\r\n", "Expires: 0\r\n", "Date: x\r\n", "Age: 1\r\n", "Location: /\r\n", "Link: <a>\r\n", "Via: x\r\n"}
	// What RFC 9110 6.5.1 forbids: framing, routing, request modifiers, authentication, content format.
	forbiddenTrailers = []string{"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: b\r\n", "Authorization: x\r\n", "Trailer: x\r\n",
		"Connection: close\r\n", "TE: trailers\r\n", "Upgrade: h2c\r\n", "Keep-Alive: 5\r\n", "Proxy-Connection: close\r\n", "Expect: 100-continue\r\n",
		"Range: bytes=0-\r\n", "If-Match: a\r\n", "If-None-Match: a\r\n", "If-Modified-Since: x\r\n", "If-Unmodified-Since: x\r\n", "If-Range: x\r\n",
		"Cache-Control: no-store\r\n", "Pragma: no-cache\r\n", "Www-Authenticate: x\r\n", "Cookie: a=b\r\n", "Set-Cookie: a=b\r\n",
		"Content-Type: text/html\r\n", "Content-Encoding: gzip\r\n", "Content-Range: bytes 0-1/2\r\n", "X-Forwarded-For: 1.2.3.4\r\n",
		"X-Forwarded-Proto: https\r\n", "X-Forwarded-Host: b\r\n", "Forwarded: for=b\r\n", "X-Request-Id: b\r\n", "X-Real-Ip: 1.2.3.4\r\n",
		"Proxy-Authorization: x\r\n", "Proxy-Authenticate: x\r\n", "Max-Forwards: 1\r\n", "content-LENGTH: 5\r\n", "HOST: b\r\n"}
	oddTrailers = []string{"X_Y: z\r\n", "Content_Length: 5\r\n", "X : y\r\n", " X: y\r\n", "X\r\n", ": y\r\n", "X: \x00\r\n", "X: y\n", "X: y\r",
		"X: y\r\n z\r\n", "X(: y\r\n", "X: \x7f\r\n", "\x00\r\n", "X: \xff\r\n", "X:\ty\t\r\n", "X: a\rb\r\n", "GET / HTTP/1.1\r\n", "\tX: y\r\n", "X\t: y\r\n",
		"Content-Length : 5\r\n", "X: y\r\r\n", "\r\r\n", "\n"}
)

// size is a chunk size in one of its forms.
func (g *generator) size(length int) string {
	size := strconv.FormatInt(int64(length), 16)
	switch g.random.IntN(12) {
	case 0:
		size = strings.ToUpper(size)
	case 1:
		size = strings.Repeat("0", 1+g.random.IntN(15)) + size
	}
	return g.weighted([]string{size}, 95, oddSizes)
}

func (g *generator) extension() string {
	if g.chance(85) {
		return ""
	}
	list := ""
	for {
		list += g.weighted([]string{";a", ";a=b", ";a=\"b;c\"", ";name=\"\\\"\""}, 60, extensions)
		if !g.chance(30) {
			break
		}
	}
	if g.trap(1) {
		list += ";" + strings.Repeat("e", 4000+g.random.IntN(200)) // about the limit
	}
	return list
}

// chunks is a chunked body; the data may look like framing.
func (g *generator) chunks() string {
	var body strings.Builder
	for count := g.random.IntN(4); count > 0; count-- {
		data := g.one(chunkData)
		if g.chance(2) {
			data = strings.Repeat("d", g.random.IntN(600))
		}
		body.WriteString(g.size(len(data)))
		body.WriteString(g.extension())
		body.WriteString(g.weighted([]string{"\r\n"}, 98, oddLineEnds))
		body.WriteString(data)
		body.WriteString(g.weighted([]string{"\r\n"}, 98, oddLineEnds))
	}
	body.WriteString(g.weighted([]string{"0"}, 95, lastSizes))
	body.WriteString(g.extension())
	body.WriteString(g.weighted([]string{"\r\n"}, 98, oddLineEnds))
	for g.chance(30) {
		body.WriteString(g.trailer())
	}
	if g.trap(1) && g.chance(10) {
		body.WriteString(strings.Repeat("X: y\r\n", 95+g.random.IntN(10))) // about the limit
	}
	if g.trap(1) && g.chance(10) {
		body.WriteString("X: " + strings.Repeat("t", 8150+g.random.IntN(60)) + "\r\n")
	}
	body.WriteString(g.weighted([]string{"\r\n"}, 98, append(oddLineEnds, "")))
	return body.String()
}

func (g *generator) trailer() string {
	if g.chance(25) {
		return g.one(forbiddenTrailers)
	}
	return g.weighted(trailers, 85, oddTrailers)
}
