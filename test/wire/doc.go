// Package wire reads the wire cases: requests as bytes, and what has to come back for them. The files in cases/ hold
// every rule of HTTP that the gateway keeps, as far as a client can see it. They are run twice: by this package's tests
// against a gateway and a worker as processes over TCP, and by native/test/h1_wire_test.c against the C protocol over a
// socket pair, with a worker that can send what no honest one would. docs/http-conformance.md is made from them.
//
// A file is a sequence of lines; empty lines and lines that begin with # mean nothing.
//
//	section Request framing                  the part of the page that the rules below belong to
//	rule RFC 9112 6.1, 6.3: what holds       the cases below show it, up to the next rule
//	code native/h1_fields.c note_encoding    where it is implemented: a file, and words that stand in it
//	test test/e2e/x_test.go TestX            a test elsewhere that shows it, too
//	exception RFC 9110 7.8: what is not done
//	because the reason
//
//	=== name of the case
//	flags --fields 3                         the gateway's (optional), behind --request-id=false; with --listen-proxy
//	                                         the case is sent to that listener
//	only c: the reason                       or "only go: the reason" (optional)
//	whole: the reason                        not also sent byte by byte (optional)
//	> GET / HTTP/1.1\r\n                     bytes to send: lines that follow one another are one piece
//	> Host: x\r\n\r\n
//	< 200                                    the next answer; "< 200 to HEAD" for an answer to HEAD
//	phrase Very well                         the phrase of its status line
//	has Content-Type: text/plain             one field of that name, with that value
//	has Date                                 one field of that name
//	no Content-Length                        none
//	framing chunked                          length, chunked, close (up to the end of the connection) or none
//	| a body\n                               the body, all lines together; "|" alone: empty
//	starts a bo                              how the body starts, instead
//	trailer X: y                             one trailer field, as has
//	= bytes                                  what comes next, behind a 101, as it is
//	open                                     what becomes of the connection; the last line of a case
//
// An answer has to be there before what follows it is sent. Instead of bytes a step may be "half-close" (the client has
// sent everything) or "pause" (what comes next does not come in the same read). The fate of the connection is one of
//
//	open     another request on it is answered, and nothing came in between
//	closed   it ends in order after the answers, and the last one said so
//	ended    it ends after the answers, and none of them said so
//	cut      it ends in the middle of the last answer, of which there is what stands here
//
// Escapes in bytes, values and bodies: \r \n \t \\ \xHH, and \{300:ab} for 300 times "ab" (whose text may have escapes, but no
// "}"). Command worker, and native/test/wire_worker.h, say what the worker answers.
package wire
