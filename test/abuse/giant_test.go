package abuse

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"ringway/test/e2e/system"
)

// giant is a request that is too much in some way: first, then middle times times, then last. The gateway answers status and,
// unless that is 200, takes no more.
type giant struct {
	name                string
	first, middle, last string
	times               int
	status              int
}

const endless = 1 << 22 // times; far more than the gateway takes

const host = "GET / HTTP/1.1\r\nHost: x\r\n"

// Limits that the giants are cut for.
var limits = []string{
	"--line-bytes", "8KiB", "--head-bytes", "32KiB", "--fields", "100", "--max-body", "1MiB",
	"--head-timeout", "1m", "--body-timeout", "1m",
}

var giants = []giant{
	{"a long request line", "GET /?", "a", " HTTP/1.1\r\nHost: x\r\n\r\n", 8000, 200},
	{"a request line without end", "GET /", "a", "", endless, 414},
	{"a method without end", "", "A", "", endless, 414},
	{"spaces without end", "GET", " ", "", endless, 414},
	{"empty lines without end", "", "\r\n", "", endless, 400},
	{"a large field", host + "A: ", "a", "\r\n\r\n", 32000, 200},
	{"a field without end", host + "A: ", "a", "", endless, 431},
	{"a field name without end", host, "a", "", endless, 431},
	{"as many fields as may be", host, "A: b\r\n", "\r\n", 99, 200},
	{"one field more", host, "A: b\r\n", "\r\n", 100, 431},
	{"fields without end", host, "A:\r\n", "", endless, 431},
	{"fields of one name without end", host, "Cookie: a=b\r\n", "", endless, 431},
	{"hosts without end", "GET / HTTP/1.1\r\n", "Host: x\r\n", "", endless, 400},
	{"an empty Connection list", host + "Connection: ", ",", "\r\n\r\n", 30000, 200},
	{"as many connection options as may be", host + "Connection: x", ",a", "\r\n\r\n", 31, 200},
	{"one connection option more", host + "Connection: x", ",a", "\r\n\r\n", 32, 431},
	{"connection options up to the limit", host + "Connection: x", ", keep-alive", "\r\n\r\n", 2500, 200},
	{"connection options that name framing", host + "Connection: host", ", content-length", "\r\nContent-Length: 0\r\n\r\n", 20, 200},
	{"Connection fields", host, "Connection: x-a, x-b\r\n", "\r\n", 17, 431},
	{"connection options without end", host + "Connection: x", ",a", "", endless, 431},

	{"chunks of one byte", post("/upload", chunked), "1\r\na\r\n", "0\r\n\r\n", 1 << 16, 200},
	{"chunks of one byte without end", post("/upload", chunked), "1\r\na\r\n", "", endless, 413},
	{"chunks of one byte that nobody reads", post("/status?code=200", chunked), "1\r\na\r\n", "0\r\n\r\n", 20_000, 200},
	{"a chunk's size without end", post("/upload", chunked), "0", "", endless, 400},
	{"a chunk's size beyond all", post("/upload", chunked), "f", "\r\n", 16, 400},
	{"spaces behind a chunk's size without end", post("/upload", chunked+"5"), " ", "", endless, 400},
	{"a chunk extension without end", post("/upload", chunked+"5;x="), "a", "", endless, 400},
	{"a quoted chunk extension without end", post("/upload", chunked+"5;x=\""), "\\\"", "", endless, 400},
	{"small chunk extensions without end", post("/upload", chunked), "1;a\r\na\r\n", "", endless, 400},
	{"trailers without end", post("/upload", chunked+"1\r\na\r\n0\r\n"), "A: b\r\n", "", endless, 431},
	{"a trailer without end", post("/upload", chunked+"1\r\na\r\n0\r\nA: "), "b", "", endless, 431},
	{"a large chunk without end", post("/upload", chunked+"7fffffff\r\n"), "a", "", endless, 413},
}

// send has n clients send the giant at once.
func (x giant) send(t *testing.T, g *system.Gateway, n int) {
	t.Helper()
	together(t, g, n, n, func(_ int, c *client) error {
		written := make(chan error, 1)
		go func() {
			_, err := io.WriteString(c.conn, x.first)
			if err == nil {
				err = c.pour(x.middle, x.times)
			}
			if err == nil && x.times != endless {
				_, err = io.WriteString(c.conn, x.last)
			}
			written <- err
		}()
		status, body, err := c.answer()
		c.reset() // also ends the writing
		if status != x.status || err != nil {
			return fmt.Errorf("%s: %d %.100q, %w, want %d", x.name, status, body, err, x.status)
		}
		if strings.Contains(x.first, "/upload") && status == 200 && !strings.Contains(body, fmt.Sprintf(`"bytes":%d,`, x.times)) {
			return fmt.Errorf("%s: %q", x.name, body)
		}
		if err := <-written; err != nil && !cut(err) {
			return err
		}
		return nil
	})
}

func allGiants(n int) func(t *testing.T, g *system.Gateway) {
	return func(t *testing.T, g *system.Gateway) {
		for _, x := range giants {
			x.send(t, g, n)
		}
	}
}

// TestGiants: what is too large, too many or without end is refused at its limit, and what is just within is served.
func TestGiants(t *testing.T) {
	t.Parallel()
	attack{flags: limits, round: allGiants(4), rounds: 2, after: func(t *testing.T, g *system.Gateway) {
		refused := uint64(0)
		for _, l := range g.Stats().Loops {
			for _, n := range l.Refused {
				refused += n
			}
		}
		want := len(slices.DeleteFunc(slices.Clone(giants), func(x giant) bool { return x.status == 200 })) * 4 * 3
		if refused != uint64(want) {
			t.Errorf("%d refusals are counted, want %d", refused, want)
		}
	}}.run(t)
}
