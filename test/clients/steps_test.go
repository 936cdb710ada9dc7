package clients

import "fmt"

// feature is something that not every client can do.
type feature uint

const (
	expecting     feature = 1 << iota // wait for a 100 before the body
	sendsTrailers                     // trailer fields behind a request body
	readsTrailers                     // trailer fields behind an answer
	seesInterim                       // interim responses, and skips unknown ones
	closes                            // Connection: close
	version10                         // HTTP/1.0
	looksUp                           // see an answer while it is still sending
	emptyChunks                       // a body of unknown length that turns out to be empty
	handlerOnly                       // the route is not there for an environment App
	everything            = expecting | sendsTrailers | readsTrailers | seesInterim | closes | version10 | emptyChunks | looksUp | handlerOnly
	nothing       feature = 0
)

func get(path string, fields ...[2]string) request {
	return request{Method: "GET", Path: path, Size: none, Fields: fields}
}

func send(method, path string, size int, fields ...[2]string) request {
	return request{Method: method, Path: path, Size: size, Fields: append(fields, [2]string{"Content-Type", "a/b"})}
}

func (r request) method(m string) request     { r.Method = m; return r }
func (r request) chunked() request            { r.Chunked = true; return r }
func (r request) expecting() request          { r.Expect = true; return r }
func (r request) with(t ...[2]string) request { r.Trailers = t; return r }

var hello = text("Hello, World!")

// file is the path of a file of 100,000 bytes.
const file = "/file?n=100000"

// kept are requests that leave a connection open.
func kept() []step {
	const etag = `"pattern-100000"`
	steps := []step{
		{get("/"), nothing, 200, all(hello, field("Content-Length", "13"), field("Content-Type", "text/plain"))},
		{get("/ping"), nothing, 200, text("pong")},
		{get("/headers", [2]string{"X-Own", "a b"}, [2]string{"Cookie", "c=1; d=2"}), nothing, 200, all(holds(`"X-Own":["a b"]`), holds(`"Cookie":["c=1; d=2"]`))},
		{get("/status?code=404"), nothing, 404, text("status 404\n")},
		{get("/status?code=503"), nothing, 503, text("status 503\n")},

		// Answers without a body, and that the next answer is not taken for it.
		{get("/bytes?n=100000").method("HEAD"), nothing, 200, all(body(nil), field("Content-Length", "100000"))},
		{get("/stream?n=3").method("HEAD"), nothing, 200, body(nil)},
		{get("/status?code=204"), nothing, 204, all(body(nil), field("Content-Length", ""), field("Transfer-Encoding", ""))},
		{get("/status?code=304"), nothing, 304, body(nil)},
		{get("/bytes?n=0"), nothing, 200, all(body(nil), field("Content-Length", "0"))},
		{get("/stream?n=0"), nothing, 200, body(nil)},

		// Large and streamed answers.
		{get("/bytes?n=8000000"), nothing, 200, all(body(pattern(0, 8000000)), field("Content-Length", "8000000"))},
		{get("/bytes?n=3000000&copy=none"), nothing, 200, body(pattern(0, 3000000))},
		{get("/stream?n=500"), nothing, 200, body(lines(500))},

		// Methods.
		{send("PUT", "/echo", 100), nothing, 200, body(content[:100])},
		{send("PATCH", "/echo", 100), nothing, 200, body(content[:100])},
		{get("/").method("DELETE"), nothing, 200, hello},
		{get("/").method("OPTIONS"), nothing, 200, hello},

		// Ranges (RFC 9110, 14) and conditions (RFC 9110, 13).
		{get(file, [2]string{"Range", "bytes=1000-1999"}), handlerOnly, 206, all(body(pattern(1000, 1000)), field("Content-Range", "bytes 1000-1999/100000"))},
		{get(file, [2]string{"Range", "bytes=-10"}), handlerOnly, 206, body(pattern(99990, 10))},
		{get(file, [2]string{"Range", "bytes=50000-"}), handlerOnly, 206, all(body(pattern(50000, 50000)), field("Content-Length", "50000"))},
		{get(file, [2]string{"Range", "bytes=100000-"}), handlerOnly, 416, field("Content-Range", "bytes */100000")},
		{get(file, [2]string{"Range", "bytes=0-9"}, [2]string{"If-Range", `"old"`}), handlerOnly, 200, body(pattern(0, 100000))},
		{get(file, [2]string{"If-None-Match", etag}), handlerOnly, 304, all(body(nil), field("ETag", etag))},
		{get(file, [2]string{"If-Modified-Since", "Thu, 29 Feb 2024 12:00:00 GMT"}), handlerOnly, 304, body(nil)},
		{get(file, [2]string{"If-Match", `"old"`}), handlerOnly, 412, nil},
		{get(file, [2]string{"Range", "bytes=0-9"}).method("HEAD"), handlerOnly, 206, all(body(nil), field("Content-Length", "10"))},

		// Expect: 100-continue (RFC 9110, 10.1.1).
		{send("POST", "/echo", 1000).expecting(), expecting, 200, all(informed(100), body(content[:1000]), sent(1000))},
		{send("POST", "/upload", 1<<20).expecting(), expecting, 200, all(informed(100), uploaded(1<<20))},
		{send("POST", "/upload", 100000).chunked().expecting(), expecting, 200, all(informed(100), uploaded(100000))},

		// Trailers (RFC 9110, 6.5) and early hints (RFC 8297).
		{send("POST", "/trailers", 5000).chunked(), readsTrailers | handlerOnly, 200, all(body(content[:5000]), trailer("X-Sha256", sumOf(5000)))},
		{send("POST", "/trailers", 0), readsTrailers | handlerOnly, 200, all(body(nil), trailer("X-Sha256", sumOf(0)))},
		{send("POST", "/trailers", 5000).chunked().with([2]string{"X-One", "1"}, [2]string{"X-Two", "two words"}),
			sendsTrailers | readsTrailers | handlerOnly, 200, all(body(content[:5000]), trailer("Back-X-One", "1"), trailer("Back-X-Two", "two words"))},
		{send("POST", "/upload", 5000).chunked().with([2]string{"X-One", "1"}), sendsTrailers, 200, uploaded(5000)},
		{get("/hints"), seesInterim | handlerOnly, 200, all(hello, informed(103), field("Link", ""))},
	}
	for _, size := range []int{0, 1, 1024, 65536, 65537, 300000, 2 << 20} {
		for _, chunked := range []bool{false, true} {
			echo, upload := send("POST", "/echo", size), send("POST", "/upload", size)
			echo.Chunked, upload.Chunked = chunked, chunked
			needs := nothing
			if chunked && size == 0 {
				needs = emptyChunks
			}
			steps = append(steps, step{echo, needs, 200, all(body(content[:size]), field("Content-Type", "a/b"))},
				step{upload, needs, 200, uploaded(size)})
		}
	}
	return append(steps, step{get("/"), nothing, 200, hello})
}

// mostBody is the gateway's limit of a request body where requests are to be refused.
const mostBody = 256 << 10

// refused are requests that the gateway answers itself, or the worker without reading the body. Each ends its connection.
func refused() []step {
	const lingers = 1 << 20 // bytes that the gateway reads and forgets after its answer
	text := holds("413 ")
	return []step{
		{send("POST", "/upload", lingers-10000), nothing, 413, text},
		{send("POST", "/upload", lingers-10000).chunked(), nothing, 413, text},
		{send("POST", "/upload", most), looksUp, 413, text},
		{send("POST", "/upload", most).chunked(), looksUp, 413, text},
		{send("POST", "/upload", most).expecting(), expecting, 413, all(text, informed(), sent(0))},
		{send("POST", "/upload", 10, [2]string{"Expect", "tea"}), expecting, 417, nil},
		// The handler does not read the body: it never asks for it.
		{send("POST", "/json", 1000).expecting(), expecting, 200, all(holds("Hello"), informed(), sent(0))},
		{get("/bytes?n=10", [2]string{"X-Long", fmt.Sprintf("%040000d", 1)}), nothing, 431, nil},
	}
}

// closing are requests that ask for the connection's end.
func closing() []step {
	end := [2]string{"Connection", "close"}
	return []step{
		{get("/", end), closes, 200, all(hello, field("Connection", "close"))},
		{get("/stream?n=10", end), closes, 200, body(lines(10))},
		{get("/bytes?n=3000000", end), closes, 200, body(pattern(0, 3000000))},
		{get("/ping", end), closes, 200, text("pong")},
		{send("POST", "/echo", 300000, end), closes, 200, body(content[:300000])},
		{send("POST", "/upload", 300000, end).chunked(), closes, 200, uploaded(300000)},
	}
}

// old are requests of HTTP/1.0, which ends connections after each.
func old() []step {
	return []step{
		{get("/"), version10, 200, hello},
		{get("/stream?n=10"), version10, 200, all(body(lines(10)), field("Transfer-Encoding", ""))},
		{get("/bytes?n=3000000"), version10, 200, body(pattern(0, 3000000))},
		{get("/hints"), version10 | handlerOnly, 200, all(hello, informed())},
		{get("/status?code=204"), version10, 204, body(nil)},
		{get("/").method("HEAD"), version10, 200, all(body(nil), field("Content-Length", "13"))},
		{send("POST", "/echo", 300000), version10, 200, body(content[:300000])},
	}
}

// oldKept are requests of HTTP/1.0 that ask for the connection to be kept, and are answered with a length.
func oldKept() []step {
	keep := [2]string{"Connection", "keep-alive"}
	return []step{
		{get("/", keep), version10, 200, all(hello, field("Connection", "keep-alive"))},
		{get("/bytes?n=100000", keep), version10, 200, body(pattern(0, 100000))},
		{send("POST", "/upload", 300000, keep), version10, 200, uploaded(300000)},
		{get("/", keep), version10, 200, hello},
	}
}
