package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"ringway/test/e2e/system"
)

var madeID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// TestRequestIDs: who may give a request its id, and what becomes of ids that cannot be used.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "http")
			g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--mode", mode}, Flags: []string{
				"--listen", "unix:" + path, "--trusted", "127.0.0.2", "--trusted", "unix",
			}})
			conn, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			stranger, proxy := dialFrom(t, "127.0.0.1", g.Addr), dialFrom(t, "127.0.0.2", g.Addr)
			unix := over(t, conn)
			longest := strings.Repeat("a", 128)
			for _, test := range []struct{ fields, want string }{
				{"", ""},
				{"X-Request-Id: given-1\r\n", "given-1"},
				{"x-request-ID:   Root=1-67/89:x@y;z \r\n", "Root=1-67/89:x@y;z"},
				{"X-Request-Id: " + longest + "\r\n", longest},
				{"X-Request-Id: " + longest + "a\r\n", ""},
				{"X-Request-Id:\r\n", ""},
				{"X-Request-Id: a b\r\n", ""},
				{"X-Request-Id: a\"b\r\n", ""},
				{"X-Request-Id: \xe4\r\n", ""},
				{"X-Request-Id: a, b\r\n", ""},
				{"X-Request-Id: a\r\nX-Between: 1\r\nX-Request-Id: b\r\n", ""},
				{"Connection: X-Request-Id\r\nX-Request-Id: a\r\n", ""},
			} {
				for _, r := range []*raw{stranger, proxy, unix} {
					got := r.fieldsOf(test.fields)["X-Request-Id"]
					given := r != stranger && test.want != ""
					if len(got) != 1 || given && got[0] != test.want || !given && !madeID.MatchString(got[0]) {
						t.Errorf("%q from %v: id %q, expected %q if it is trusted", test.fields, r.conn.LocalAddr(), got, test.want)
					}
				}
			}
			g.Stop()
		})
	}
}

// TestRequestIDsAreUnique: over connections, pipelined requests, loops and gateways.
func TestRequestIDsAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	count := 0
	for range 2 {
		g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--loops", "2"}})
		for range 20 {
			r := dial(t, g)
			const requests = 50
			r.send("%s", strings.Repeat("GET /headers HTTP/1.1\r\nHost: x\r\n\r\n", requests))
			for range requests {
				_, body := r.answer("GET")
				seen[regexp.MustCompile(`"X-Request-Id":\["([^"]*)"\]`).FindString(body)] = true
				count++
			}
			_ = r.conn.Close()
		}
		loops := 0
		for _, l := range g.Stats().Loops {
			if l.Requests > 0 {
				loops++
			}
		}
		if loops != 2 {
			t.Errorf("%d loops have served, expected both", loops)
		}
		g.Stop()
	}
	if len(seen) != count || seen[""] {
		t.Errorf("%d requests had %d ids; none: %v", count, len(seen), seen[""])
	}
}

func TestWithoutRequestIDs(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"--request-id=false", "--trusted", "127.0.0.2"}})
	for from, want := range map[string]string{"127.0.0.1": "[]", "127.0.0.2": "[a b]"} {
		r := dialFrom(t, from, g.Addr)
		if got := r.fieldsOf("X-Request-Id: a b\r\n")["X-Request-Id"]; fmt.Sprint(got) != want {
			t.Errorf("from %s: %q, expected %s", from, got, want)
		}
	}
	g.Stop()
}

// TestTrustChangesLive: also for connections that are open, and for what they say from then on.
func TestTrustChangesLive(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config")
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{"-c", configured(t, file, "")}})
	r := dial(t, g)
	for _, test := range []struct{ text, want string }{
		{"", "[] 1"}, {"trusted = ['127.0.0.0/8']", "[said] 1"}, {"trusted = ['127.0.0.2']", "[] 1"},
		{"request-id = false", "[] 0"}, {"trusted = ['127.0.0.1']\nrequest-id = false", "[said] 0"},
	} {
		configured(t, file, test.text)
		g.Signal(syscall.SIGHUP)
		system.Eventually(t, test.text, func() bool {
			got := r.fieldsOf("X-Forwarded-For: said\r\n")
			return fmt.Sprint(got["X-Forwarded-For"], len(got["X-Request-Id"])) == test.want
		})
	}
	g.Stop()
}

func configured(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTraceContext: W3C trace context is anybody's to give (its section 3.2 lets the receiver decide), and passes as it is.
func TestTraceContext(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		g := system.StartGateway(t, system.Options{Supervised: true, Worker: []string{"--mode", mode}, Flags: []string{"--trusted", "127.0.0.2"}})
		for _, from := range []string{"127.0.0.1", "127.0.0.2"} {
			const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
			got := dialFrom(t, from, g.Addr).fieldsOf("traceparent: " + parent + "\r\nTraceState: rojo=00f067aa0ba902b7,  congo=t61\r\ntracestate: a=b\r\n")
			if p, s := fmt.Sprintf("%q", got["Traceparent"]), fmt.Sprintf("%q", got["Tracestate"]); p != `["`+parent+`"]` || s != `["rojo=00f067aa0ba902b7,  congo=t61" "a=b"]` {
				t.Errorf("%s from %s: traceparent %s, tracestate %s", mode, from, p, s)
			}
		}
		g.Stop()
	}
}

// TestAccessLogBehindProxies: a line has the id that the worker got, and whom trusted proxies name as the client.
func TestAccessLogBehindProxies(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	g := system.StartGateway(t, system.Options{Supervised: true, Flags: []string{
		"--access-log", path, "--listen-proxy", "127.0.0.1:0", "--trusted", "127.0.0.2", "--trusted", "192.0.2.0/24", "--native-path", "/ping=pong",
	}})
	tests := []struct {
		from, to, header, fields, client string
		port                             int // 0: that of the connection
	}{
		{"127.0.0.1", g.Addr, "", "X-Forwarded-For: 203.0.113.1\r\n", "127.0.0.1", 0},
		{"127.0.0.2", g.Addr, "", "", "127.0.0.2", 0},
		{"127.0.0.2", g.Addr, "", "X-Forwarded-For: 198.51.100.9, 203.0.113.1:77\r\nx-forwarded-for: 192.0.2.7\r\n", "203.0.113.1", 77},
		{"127.0.0.2", g.Addr, "", "Forwarded: for=\"[2001:db8::1]:78\", for=192.0.2.7\r\n", "2001:db8::1", 78},
		{"127.0.0.2", g.Addr, "", "Forwarded: for=203.0.113.2\r\nX-Forwarded-For: 203.0.113.1:77\r\n", "203.0.113.1", 77},
		{"127.0.0.2", g.Addr, "", "X-Forwarded-For: 203.0.113.1, unknown, 192.0.2.7:79\r\n", "192.0.2.7", 79},
		{"127.0.0.2", g.Proxy, text4, "X-Forwarded-For: 203.0.113.1\r\n", "203.0.113.9", 56324},
	}
	for _, test := range tests {
		r := dialFrom(t, test.from, test.to)
		r.send("%s", test.header)
		id := r.fieldsOf(test.fields)["X-Request-Id"][0]
		_ = r.conn.Close()
		system.Eventually(t, "a line", func() bool {
			lines := accessLines(t, path)
			return len(lines) > 0 && lines[len(lines)-1].RequestID == id
		})
		lines := accessLines(t, path)
		line := lines[len(lines)-1]
		if test.port == 0 {
			test.port = r.conn.LocalAddr().(*net.TCPAddr).Port
		}
		if line.Client != test.client || line.Port != test.port {
			t.Errorf("%s %q %q: the log says %s, port %d, expected %s, port %d", test.from, test.header, test.fields, line.Client, line.Port, test.client, test.port)
		}
	}
	r := dialFrom(t, "127.0.0.2", g.Addr)
	r.send("GET /ping HTTP/1.1\r\nHost: x\r\nX-Request-Id: given\r\nConnection: close\r\n\r\n")
	r.answer("GET")
	waitLines(t, g, uint64(len(tests)+1))
	if lines := accessLines(t, path); lines[len(lines)-1].RequestID != "given" {
		t.Errorf("what the gateway answers itself has the id %q", lines[len(lines)-1].RequestID)
	}
	g.Stop()
}
