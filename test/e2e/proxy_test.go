package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// Headers of the PROXY protocol for a client at 203.0.113.9:56324 or [2001:db8::9]:56324.
const (
	text4    = "PROXY TCP4 203.0.113.9 198.51.100.7 56324 443\r\n"
	text6    = "PROXY TCP6 2001:db8::9 2001:db8::7 56324 443\r\n"
	binary   = "\r\n\r\n\x00\r\nQUIT\n"
	binary4  = binary + "\x21\x11\x00\x0c\xcb\x00\x71\x09\xc6\x33\x64\x07\xdc\x04\x01\xbb"
	binary6  = binary + "\x21\x21\x00\x24\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\xdc\x04\x01\xbb"
	local    = binary + "\x20\x00\x00\x00"
	nameless = "PROXY UNKNOWN\r\n"
)

// dialFrom connects to an address from an address of this host.
func dialFrom(t *testing.T, from, to string) *raw {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	return over(t, conn)
}

// over is a client on a connection that is there already.
func over(t *testing.T, conn net.Conn) *raw {
	t.Helper()
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(system.Patience)); err != nil {
		t.Fatal(err)
	}
	return &raw{t, conn, bufio.NewReader(conn)}
}

type peer struct{ Remote, Scheme, Host string }

// peerOf asks how the worker sees who asks; more are fields, each with its line end.
func (r *raw) peerOf(more string) (p peer) {
	r.t.Helper()
	r.send("GET /peer HTTP/1.1\r\nHost: example.com\r\n%s\r\n", more)
	answer, body := r.answer("GET")
	if err := json.Unmarshal([]byte(body), &p); err != nil || answer.StatusCode != 200 {
		r.t.Fatalf("%s %q, %v", answer.Status, body, err)
	}
	return p
}

// dropped expects that the gateway closes the connection without a byte. That bytes of it were not read shows as a reset.
func (r *raw) dropped() {
	r.t.Helper()
	if rest, err := io.ReadAll(r.in); len(rest) != 0 || err != nil && !isReset(err) {
		r.t.Errorf("the connection should be closed without a word; got %q, %v", rest, err)
	}
	_ = r.conn.Close()
}

func TestProxyHeaders(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--mode", mode}, Flags: []string{"--listen-proxy", "127.0.0.1:0", "--loops", "2"}})
			for _, test := range []struct{ header, remote, port string }{
				{text4, "203.0.113.9", "56324"},
				{text6, "2001:db8::9", "56324"},
				{binary4, "203.0.113.9", "56324"},
				{binary6, "2001:db8::9", "56324"},
				{strings.Replace(binary4, "\x00\x0c", "\x00\x13", 1) + "\x01\x00\x04http", "203.0.113.9", "56324"},
				{nameless, "127.0.0.1", ""},
				{local, "127.0.0.1", ""},
			} {
				whole := dialFrom(t, "127.0.0.1", g.Proxy)
				whole.send("%sGET / HTTP/1.1\r\nHost: x\r\n\r\n", test.header)
				whole.answer("GET")
				pieces := dialFrom(t, "127.0.0.1", g.Proxy)
				for i := range len(test.header) {
					pieces.send("%s", test.header[i:i+1])
				}
				for _, r := range []*raw{whole, pieces, whole} {
					port := test.port
					if port == "" {
						_, port, _ = net.SplitHostPort(r.conn.LocalAddr().String())
					}
					want := peer{test.remote, "http", "example.com"}
					if mode == "handler" {
						want.Remote = net.JoinHostPort(test.remote, port)
					}
					if got := r.peerOf(""); got != want {
						t.Errorf("%q: %+v, expected %+v", test.header, got, want)
					}
				}
				_ = whole.conn.Close()
				_ = pieces.conn.Close()
			}
			g.WaitNoConnections()
			g.WaitIdle()
			g.Stop()
		})
	}
}

func TestMalformedProxyHeaders(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--listen-proxy", "127.0.0.1:0", "--native-path", "/ping=pong"}})
	malformed := []string{
		"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
		"PROXY TCP4 203.0.113.9 198.51.100.7 56324\r\nGET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
		"PROXY TCP4 203.0.113.9 198.51.100.7 56324 443\nGET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
		"PROXY " + strings.Repeat("x", 200),
		"\r\n" + text4,
		binary + "\x21\x11\x00\x04\xcb\x00\x71\x09GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
		binary + "\x21\x11\xff\xff",
	}
	for _, header := range malformed {
		r := dialFrom(t, "127.0.0.1", g.Proxy)
		r.send("%s", header)
		r.dropped()
	}
	half := dialFrom(t, "127.0.0.1", g.Proxy)
	half.send("%s", text4[:20])
	_ = half.conn.(*net.TCPConn).CloseWrite()
	half.dropped()
	const reason = "missing or malformed PROXY header"
	system.Eventually(t, "all counted", func() bool { return refused(g, reason) == uint64(len(malformed)+1) })
	system.Eventually(t, "a line tells of it", func() bool { return strings.Contains(g.Stderr(), `status=0 reason="`+reason+`"`) })
	silent := dialFrom(t, "127.0.0.1", g.Proxy) // as one who only looks whether somebody listens
	_ = silent.conn.(*net.TCPConn).CloseWrite()
	silent.closed()
	if got := refused(g, reason); got != uint64(len(malformed)+1) {
		t.Errorf("%d refusals are counted, expected %d", got, len(malformed)+1)
	}
	second := dialFrom(t, "127.0.0.1", g.Proxy) // one header, no more
	second.send("%s%sGET /ping HTTP/1.1\r\nHost: x\r\n\r\n", text4, text4)
	if answer, _ := second.answer("GET"); answer.StatusCode != 400 {
		t.Errorf("two headers: %s", answer.Status)
	}
	_ = second.conn.Close()
	ordinary := dial(t, g)
	ordinary.send("%sGET /ping HTTP/1.1\r\nHost: x\r\n\r\n", text4)
	if answer, _ := ordinary.answer("GET"); answer.StatusCode != 400 {
		t.Errorf("a header where none belongs: %s", answer.Status)
	}
	_ = ordinary.conn.Close()
	g.WaitNoConnections()
	g.Stop()
}

// TestSlowProxyHeader: the time for a request head is for the PROXY header, too.
func TestSlowProxyHeader(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--listen-proxy", "127.0.0.1:0", "--head-timeout", "1s"}})
	for _, sent := range []string{"", text4[:30], text4} {
		r := dialFrom(t, "127.0.0.1", g.Proxy)
		r.send("%s", sent)
		r.dropped()
	}
	if got := g.Stats().Loops[0].HeadTimeouts; got != 3 {
		t.Errorf("%d timeouts are counted, expected 3", got)
	}
	g.Stop()
}

// TestStopWhileProxiesAreIdle: connections that have sent nothing yet do not keep the gateway.
func TestStopWhileProxiesAreIdle(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--listen-proxy", "127.0.0.1:0", "--head-timeout", "0", "--drain-limit", "1h"}})
	dialFrom(t, "127.0.0.1", g.Proxy)
	system.Eventually(t, "accepted", func() bool { return connections(g) == 1 })
	g.Stop()
}

func TestProxyMustBeTrusted(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--listen-proxy", "127.0.0.1:0", "--trusted", "127.0.0.2"}})
	dialFrom(t, "127.0.0.1", g.Proxy).dropped()
	if got := refused(g, "not a trusted proxy"); got != 1 {
		t.Errorf("%d refusals are counted, expected 1", got)
	}
	r := dialFrom(t, "127.0.0.2", g.Proxy)
	r.send("%s", text4)
	if got := r.peerOf(""); got.Remote != "203.0.113.9:56324" {
		t.Errorf("%+v", got)
	}
	served(t, dial(t, g)) // the other listener is anybody's
	g.Stop()
}

// TestClientConnectionsBehindAProxy: they are counted by the address in the header, and so is their end.
func TestClientConnectionsBehindAProxy(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--listen-proxy", "127.0.0.1:0", "--client-connections", "2"}})
	from := func(header string) *raw {
		r := dialFrom(t, "127.0.0.1", g.Proxy)
		r.send("%s", header)
		return r
	}
	for round := range 3 {
		var open []*raw
		for _, header := range []string{text4, binary4, text6, text6} {
			open = append(open, from(header))
			served(t, open[len(open)-1])
		}
		for _, header := range []string{text4, text6} {
			r := from(header)
			r.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if answer, _ := r.answer("GET"); answer.StatusCode != 503 || !answer.Close {
				t.Errorf("round %d: one too many got %s", round, answer.Status)
			}
			_ = r.conn.Close()
		}
		for _, r := range open {
			_ = r.conn.Close()
		}
		g.WaitNoConnections()
	}
	if got := refused(g, "too many connections of one client"); got != 6 {
		t.Errorf("%d refusals are counted, expected 6", got)
	}
	g.Stop()
}

// fieldsOf sends fields, each with its line end, and gives what the worker got of them.
func (r *raw) fieldsOf(fields string) map[string][]string {
	r.t.Helper()
	r.send("GET /headers HTTP/1.1\r\nHost: x\r\n%s\r\n", fields)
	answer, body := r.answer("GET")
	got := map[string][]string{}
	if err := json.Unmarshal([]byte(body), &got); err != nil || answer.StatusCode != 200 {
		r.t.Fatalf("%s %q, %v", answer.Status, body, err)
	}
	return got
}

// claims are what only trusted peers may say.
var claims = []string{
	"X-Forwarded-For", "x-forwarded-proto", "X-FORWARDED-HOST", "X-Forwarded-Port", "x-fOrwarded-anything", "Forwarded", "x-real-ip",
	"X_Forwarded_For", "x_forwarded-port", "X_Real_Ip",
}

func TestOnlyTrustedPeersSpeakForOthers(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--mode", mode}, Flags: []string{
				"--listen-proxy", "127.0.0.1:0", "--trusted", "127.0.0.2/31", "--trusted", "203.0.113.0/24", "--keep-underscores",
			}})
			var fields strings.Builder
			for _, name := range claims {
				fmt.Fprintf(&fields, "%s: said\r\n", name)
			}
			spoken := "X-First: 1\r\n" + fields.String() + "X-Last: 1\r\n"
			for _, test := range []struct {
				from, to, header string
				trusted          bool
			}{
				{"127.0.0.1", g.Addr, "", false},
				{"127.0.0.2", g.Addr, "", true},
				{"127.0.0.2", g.Proxy, local, true},
				{"127.0.0.2", g.Proxy, nameless, false}, // the bytes are those of a client that has no name
				{"127.0.0.2", g.Proxy, text6, false},
				{"127.0.0.2", g.Proxy, text4, true}, // the client is trusted itself
			} {
				r := dialFrom(t, test.from, test.to)
				r.send("%s", test.header)
				got := r.fieldsOf(spoken)
				for _, name := range claims {
					if seen := fmt.Sprint(got[canonical(name)]); (seen == "[said]") != test.trusted {
						t.Errorf("%s %q: %s is %s", test.from, test.header, name, seen)
					}
				}
				if fmt.Sprint(got["X-First"], got["X-Last"]) != "[1] [1]" {
					t.Errorf("%s: others are gone, too: %v", test.from, got)
				}
				want := "http"
				if test.trusted {
					want = "https"
				}
				for _, secure := range []string{"X-Forwarded-Proto: https\r\n", "Forwarded: for=_x;proto=HTTPS\r\n"} {
					if got := r.peerOf(secure); got.Scheme != want {
						t.Errorf("%s %q: %s makes the scheme %s", test.from, test.header, secure, got.Scheme)
					}
				}
				if got := r.peerOf("X-Forwarded-Proto: https, http\r\n"); got.Scheme != "http" {
					t.Errorf("%s: the nearest proxy said http, the scheme is %s", test.from, got.Scheme)
				}
				_ = r.conn.Close()
			}
			g.WaitNoConnections()
			g.Stop()
		})
	}
}

// canonical is how /headers writes a name.
func canonical(name string) string {
	lower := strings.Split(strings.ToLower(name), "-")
	for i, word := range lower {
		lower[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(lower, "-")
}

// TestNobodySpeaksForOthersInTrailers: not even a trusted peer, because nobody looks for it there.
func TestNobodySpeaksForOthersInTrailers(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--trusted", "127.0.0.2", "--keep-underscores"}})
	for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
		r := dialFrom(t, from, g.Addr)
		r.send("POST /trailers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-First: 1\r\n")
		for _, name := range append(claims, "X-Request-Id") {
			r.send("%s: said\r\n", name)
		}
		r.send("X-Last: 1\r\n\r\n")
		answer, _ := r.answer("POST")
		for name := range answer.Trailer {
			if name != "X-Sha256" && name != "Back-X-First" && name != "Back-X-Last" {
				t.Errorf("%s: trailer %s has passed", from, name)
			}
		}
		if len(answer.Trailer) != 3 {
			t.Errorf("%s: trailers %v, expected three", from, answer.Trailer)
		}
	}
	g.Stop()
}
