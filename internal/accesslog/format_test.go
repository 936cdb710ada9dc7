package accesslog

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"ringway/internal/engine"
)

func record() *engine.AccessRecord {
	return &engine.AccessRecord{
		Start: 1_700_000_000_123_456_789, Client: netip.MustParseAddrPort("192.0.2.7:51000"), RequestID: []byte("id-1"),
		Method: []byte("GET"), Target: []byte("/a?b=c"), Host: []byte("example.org:80"), Version: 0x11,
		Referer: []byte("http://ref/"), UserAgent: []byte("agent/1"), Status: 200, Worker: 3, Origin: engine.ByWorker,
		Received: 5, Sent: 1200, SentBody: 1000, Queue: 12_999, Handler: 34_000, Total: 56_001,
	}
}

// refused is what there is of a request whose head was not understood.
func refused() *engine.AccessRecord {
	return &engine.AccessRecord{Start: 1_700_000_000_000_000_000, Status: 400, Sent: 180, SentBody: 19, Queue: -1, Handler: -1, Total: 13_000}
}

func TestLines(t *testing.T) {
	for name, c := range map[string]struct {
		record         *engine.AccessRecord
		json, combined string
	}{
		"whole": {
			record(),
			`{"time":"2023-11-14T22:13:20.123Z","client":"192.0.2.7","port":51000,"request_id":"id-1","method":"GET","target":"/a?b=c","host":"example.org:80","http":"1.1","status":200,"received":5,"sent":1200,"sent_body":1000,"queue_us":12,"handler_us":34,"total_us":56,"referer":"http://ref/","user_agent":"agent/1","worker":3,"origin":"worker","end":"complete"}`,
			`192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] "GET /a?b=c HTTP/1.1" 200 1000 "http://ref/" "agent/1"`,
		},
		"refused, over a unix socket": {
			refused(),
			`{"time":"2023-11-14T22:13:20.000Z","status":400,"sent":180,"sent_body":19,"total_us":13,"origin":"gateway","end":"complete"}`,
			`- - - [14/Nov/2023:22:13:20 +0000] "-" 400 19 "-" "-"`,
		},
		"cut, retried, shortened, IPv6, HTTP/1.0": {
			func() *engine.AccessRecord {
				r := record()
				r.Client, r.Version, r.End, r.Retried, r.Shortened = netip.MustParseAddrPort("[2001:db8::1]:9"), 0x10, engine.Cut, true, true
				return r
			}(),
			`{"time":"2023-11-14T22:13:20.123Z","client":"2001:db8::1","port":9,"request_id":"id-1","method":"GET","target":"/a?b=c","host":"example.org:80","http":"1.0","status":200,"received":5,"sent":1200,"sent_body":1000,"queue_us":12,"handler_us":34,"total_us":56,"referer":"http://ref/","user_agent":"agent/1","worker":3,"origin":"worker","end":"cut","retried":true,"shortened":true}`,
			`2001:db8::1 - - [14/Nov/2023:22:13:20 +0000] "GET /a?b=c HTTP/1.0" 200 1000 "http://ref/" "agent/1"`,
		},
		"client gone before the answer, hostile bytes": {
			&engine.AccessRecord{
				Start: 1_700_000_000_000_000_000, Method: []byte("GET"), Target: []byte(`/"\` + "\x7f"), Version: 0x11,
				Referer: []byte("a\"b\\c\r\n200 \x1b[2Jé\xff\u2028😀"), UserAgent: []byte("\t-"), Origin: engine.ByStaticFile, End: engine.ClientGone,
			},
			`{"time":"2023-11-14T22:13:20.000Z","method":"GET","target":"/\"\\\u007f","http":"1.1","status":0,"queue_us":0,"handler_us":0,"total_us":0,"referer":"a\"b\\c\u000d\u000a200 \u001b[2J\u00e9\ufffd\u2028\ud83d\ude00","user_agent":"\u0009-","origin":"static","end":"client_gone"}`,
			`- - - [14/Nov/2023:22:13:20 +0000] "GET /\x22\x5c\x7f HTTP/1.1" - - "a\x22b\x5cc\x0d\x0a200 \x1b[2J\xc3\xa9\xff\xe2\x80\xa8\xf0\x9f\x98\x80" "\x09-"`,
		},
	} {
		for format, want := range map[string]string{JSON: c.json, Combined: c.combined} {
			if got := string(newFormat(format).appendLine([]byte("before"), c.record)); got != "before"+want+"\n" {
				t.Errorf("%s, %s:\n%swant\n%s", name, format, got, want)
			}
		}
	}
}

func TestASecondsTextIsRenewed(t *testing.T) {
	f := newFormat(JSON)
	for _, c := range []struct {
		start int64
		want  string
	}{{0, "1970-01-01T00:00:00.000Z"}, {999_999_999, "1970-01-01T00:00:00.999Z"}, {1_000_000_000, "1970-01-01T00:00:01.000Z"}, {0, "1970-01-01T00:00:00.000Z"}} {
		if line := string(f.appendLine(nil, &engine.AccessRecord{Start: c.start})); !strings.Contains(line, c.want) {
			t.Errorf("%d: %s, want %s", c.start, line, c.want)
		}
	}
}

func TestLinesNeedNoMemory(t *testing.T) {
	r, buffer := record(), make([]byte, 0, 4096)
	r.UserAgent = []byte("\"\xff\u00e9")
	for _, name := range []string{JSON, Combined} {
		f := newFormat(name)
		if n := testing.AllocsPerRun(1000, func() { r.Start += 1e8; buffer = f.appendLine(buffer[:0], r) }); n != 0 {
			t.Errorf("%s: %v allocations a line, want none", name, n)
		}
	}
}

// everyPlace puts a byte at each place of the eight that are looked at together.
func TestEveryByteAtEveryPlace(t *testing.T) {
	for c := range 256 {
		for place := range 17 {
			s := []byte(strings.Repeat("x", 17))
			s[place] = byte(c)
			checkTexts(t, s)
		}
	}
}

// checkTexts holds both ways of quoting to what they promise.
func checkTexts(t *testing.T, s []byte) {
	t.Helper()
	text := appendJSON(nil, s)
	var back string
	if err := json.Unmarshal([]byte(`"`+string(text)+`"`), &back); err != nil {
		t.Fatalf("%q: %q is not JSON: %v", s, text, err)
	}
	if want := strings.ToValidUTF8(string(s), "\ufffd"); utf8.Valid(s) && back != want {
		t.Fatalf("%q became %q", s, back)
	}
	if want, _ := json.Marshal(string(s)); !utf8.Valid(s) {
		// Each byte that is not UTF-8 is one U+FFFD, as encoding/json has it.
		var same string
		if err := json.Unmarshal(want, &same); err != nil || back != same {
			t.Fatalf("%q became %q, want %q", s, back, same)
		}
	}
	quoted := appendQuoted(nil, s)
	for _, line := range [][]byte{text, quoted} {
		for _, c := range line {
			if c < ' ' || c > '~' {
				t.Fatalf("%q: byte %#x in %q", s, c, line)
			}
		}
	}
	if got := unquote(t, quoted); string(got) != string(s) {
		t.Fatalf("%q became %q", s, got)
	}
}

// unquote undoes appendQuoted.
func unquote(t *testing.T, s []byte) (out []byte) {
	t.Helper()
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			t.Fatalf("a quote in %q", s)
		case s[i] == '\\':
			if i+3 >= len(s) || s[i+1] != 'x' {
				t.Fatalf("a backslash in %q", s)
			}
			high, low := strings.IndexByte(digits, s[i+2]), strings.IndexByte(digits, s[i+3])
			if high < 0 || low < 0 {
				t.Fatalf("no hexadecimal number in %q", s)
			}
			out = append(out, byte(high<<4|low))
			i += 3
		default:
			out = append(out, s[i])
		}
	}
	return out
}

func FuzzTexts(f *testing.F) {
	for _, s := range []string{"", "/", `"`, `\`, "\x00\r\n", "\xff", "é", "\u2028", "😀", "\xed\xa0\x80", "12345678\"", "1234567\x7f8", "\x80\x80\x80\x80\x80\x80\x80\x80"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		checkTexts(t, s)
		r := record()
		r.Method, r.Target, r.Host, r.Referer, r.UserAgent, r.RequestID = s, s, s, s, s, s
		for _, name := range []string{JSON, Combined} {
			line := newFormat(name).appendLine(nil, r)
			if n := strings.Count(string(line), "\n"); n != 1 || line[len(line)-1] != '\n' {
				t.Fatalf("%q: %d newlines", line, n)
			}
			if name == JSON && !json.Valid(line) {
				t.Fatalf("%q is not JSON", line)
			}
		}
	})
}

func BenchmarkLine(b *testing.B) {
	r, buffer := record(), make([]byte, 0, 4096)
	r.UserAgent = []byte("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	for _, name := range []string{JSON, Combined} {
		f := newFormat(name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				r.Start += 10_000
				buffer = f.appendLine(buffer[:0], r)
			}
		})
	}
}
