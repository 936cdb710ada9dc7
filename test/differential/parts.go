package differential

import "strings"

// Parts of requests, usual and odd.
var (
	methods    = []string{"GET", "GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE"}
	oddMethods = []string{"CONNECT", "PROPFIND", "M-SEARCH", "get", "Post", "FOO", "PRI", "X_Y", "GE(T", "G\x00T", "", "SOURCE",
		"!#$%&'*+-.^_`|~09az", "GET\xc3"}
	oddSpaces = []string{"  ", "\t", "", " \t", "\v", "\xa0", "\r"}

	targets = []string{"/", "/", "/a/b", "/a?b=c", "/?", "/a%20b?c=%41", "//x/y", "http://b.example/p?q", "https://b/", "/a;b=c,d",
		"/a?b?c/d", "/~u/!$&'()*+,;=:@"}
	oddTargets = []string{"*", "**", "a", "?a", "#", "/a#b", "/a?b#c", "", "/%zz", "/%", "/%4", "/\x00", "/\x7f", "/\xff", "/\"<>\\^`{|}",
		"http://b", "http://b?q", "http://", "http:///x", "http://:80/", "http://u@b/", "http://b:x/", "http://b:99999/", "http:/b/",
		"ftp://b/", "HTTP://B/", "b.example:443", "/a b", "/a\tb", "http://[::1]:80/", "http://[::1/", "http://b#f", "http://b%41/",
		"http://b%zz/", "http://a,b/", "http://b\\c/", "/..//./%2e%2e/%00", "http://b:/", "http://[fe80::1%25a]/", "/[x]?[y]",
		"/\xc3\xa4", "http", "://b", "/?%zz", "http://b?%zz", "http://b/%zz"}

	oddVersions = []string{"HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/2", "http/1.1", "HTTP/1.10", "HTTP/01.1",
		"HTTP/1,1", "HTTP/1.", "HTTP/.1", "RTSP/1.0", "", "HTTP/1.1 ", "ICE/1.0", "HTTP/1.x", "HTTP/11", "HTTP/+1.1"}
	oddLineEnds = []string{"\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "", " \r\n", "\x00\r\n"}

	hosts    = []string{"a", "www.example.com", "www.example.com:8080", "127.0.0.1:80", "[::1]", "[2001:db8::1]:443", "a-b_c~d"}
	oddHosts = []string{"", "a b", "a/b", "u@a", "a:x", "a:", ":80", "a:65536", "[::1", "::1", "[]", "[::1]x", "a,b", "a%41", "a%4", "\xc3\xa4",
		"[1:2:3:4:5:6:7:8]", "[1::2::3]", "[v1.a]", "[::1.2.3.4]", "[fe80::1%25a]", "a?b", "a#b", "a\\b", "a\"b", "!$&'()*+,;=", "a:80:80",
		"<a>", "a|b", "{a}", "^`", "[::ffff:300.1.1.1]", "[12345::]"}

	names = []string{"Accept", "User-Agent", "Cookie", "X-Forwarded-For", "X-One", "x-two", "Content-Type", "Referer", "Authorization",
		"Accept-Encoding", "If-None-Match", "Range", "Pragma", "Cache-Control", "Trailer", "X-One", "ETag", "Via", "Date"}
	hopNames = []string{"TE", "Keep-Alive", "Proxy-Connection", "Upgrade", "te", "upgrade"}
	oddNames = []string{"X_Under", "", "X Y", "X(", "X\x00", "X\xe4", "!#$%&'*+-.^`|~", "X/Y", "Host", "Content_Length", "Transfer_Encoding",
		" X", "\tX", "X\r", "Proxy-Authorization", "_", "\"X\"", "X\x7f", "X:Y", "Content-Length ", "\x0bX"}
	values    = []string{"x", "y z", "a,b", "a:b", "", "text/html;q=0.8", "*/*", "1", "no-cache", "\"quoted, text\"", "t\tb", "bytes=0-1"}
	oddValues = []string{"\x00", "a\x00b", "\x01", "\x7f", "\xff\x80", "\xc3\xa4", "a\rb", "\x1b[0m", "a\vb", "a\fb", "\x08", strings.Repeat("v", 300),
		"a\nb", "a\r\n b", "a\r\n\tb", "a\r\n \r\n b"}
	oddLines = []string{" folded\r\n", "\tfolded\r\n", "X\r\n", ":\r\n", ": x\r\n", " \r\n", "X: y\r\n z\r\n", "Host: b\r\n", "GET / HTTP/1.1\r\n",
		"\x00\r\n", "Host: a\r\n"}

	connectionOptions = []string{"close", "keep-alive", "Close", "KEEP-ALIVE", "upgrade", "Upgrade", "TE", "X-One", "x-two", "Cookie", "host",
		"content-length", "transfer-encoding", "", "closed", "close;x", "\"close\"", "Authorization", "close x", "keepalive"}

	lengthNames   = []string{"Content-Length", "Content-Length", "content-length", "CONTENT-LENGTH"}
	encodingNames = []string{"Transfer-Encoding", "Transfer-Encoding", "transfer-encoding", "TRANSFER-ENCODING"}
	oddLengths    = []string{"0", "5", "05", "5", "+5", "-5", "-0", "5,5", "5, 5", "5 5", "0x5", "5.0", "", "five", "9223372036854775807",
		"9223372036854775808", "18446744073709551615", "18446744073709551616", "18446744073709551621", "00000000000000000000000005",
		"5;", "5\x00", "5\v", "\v5", "5,", ",5", "1e1", "5_0", "\xb2"}
	oddEncodings = []string{"chunked", "chunked", "gzip, chunked", "gzip", "identity", "chunked, gzip", "chunked, chunked", "chunked,chunked",
		"chunked;a=b", "chunked;", ", chunked", "chunked,", "", "\"chunked\"", "chunkedx", "xchunked", "x chunked", "chunked x",
		"x;a=\"b, c\", chunked", "x;a=\", chunked\"", "\vchunked", "chunked\v", "chunked\x00", "identity, chunked", "chunked, identity",
		"cHunked", "gzip,\tchunked", "x;=, chunked", "x;a, chunked", "deflate, gzip, chunked", "chunked\xff", "'chunked'", "chun ked"}

	keepingOptions = []string{"keep-alive", "Keep-Alive", "upgrade", "TE", "X-One", "x-two", "", "closed", "keepalive"}
	seams          = []string{"\r\n", "\r\n\r\n", "\n", "\r", " ", "\x00", "0\r\n\r\n", "\r\n\r\n\r\n\r\n", "x", "\r\n ", "\t"}

	followers   = []string{"GET /next HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n", "x", "\x00", "\r\n\r\nGET", "POST / HTTP/1.1\r\n"}
	interesting = []byte("\r\n\t \x00:;,/?#%@[]0159aZ_-\"\\\x7f\x80\xff\v\f=+()")
	words       = []string{"\r\n", "\r\n\r\n", "\n", "\r", "Host: b\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "chunked", "close",
		"HTTP/1.1", "0\r\n\r\n", " ", "\r\n ", ": ", "Connection: close\r\n", "GET / "}
)
