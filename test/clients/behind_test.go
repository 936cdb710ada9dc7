package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// TestNginxByItself: nginx as it is when it is told little, which is HTTP/1.0 with a connection for each request, and with
// its buffers.
func TestNginxByItself(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/old", "/kept"} {
		t.Run(path[1:], func(t *testing.T) {
			t.Parallel()
			g := startGateway(t, "handler")
			base := "http://" + startNginx(t, g.Addr) + path
			steps := possible(kept(), everything&^(sendsTrailers|readsTrailers|seesInterim))
			clients[1].play(t, base, false, steps)
			if want, got := path == "/kept", accepted(g) == 1; got != want {
				t.Errorf("%d connections for %d requests", accepted(g), len(steps))
			}
			clean(t, g)
		})
	}
}

// TestProxiesAndRefusals: an answer that comes before the body is through reaches the client, and so do requests and
// answers that end connections.
func TestProxiesAndRefusals(t *testing.T) {
	eachProxy(t, func(t *testing.T, p proxy, g *system.Gateway, addr string) {
		base := "http://" + addr
		for _, s := range []step{
			{send("POST", "/upload", 1<<20), nothing, 413, nil},
			{send("POST", "/upload", 1<<20).chunked(), nothing, 413, nil},
			{get("/bytes?n=10", [2]string{"X-Long", strings.Repeat("x", 5000)}), nothing, 431, nil},
		} {
			clients[1].play(t, base, false, []step{s, {get("/"), nothing, 200, hello}})
		}
		clients[1].play(t, base, false, closing())
		clients[0].play(t, base, true, possible(old(), clients[0].can))
	}, "--max-body", "307200", "--head-bytes", "4096")
}

// TestForwardedFields: the worker learns whom a proxy speaks for, if the proxy is trusted.
func TestForwardedFields(t *testing.T) {
	for name, flags := range map[string][]string{"trusted": {"--trusted", "127.0.0.1"}, "not-trusted": nil} {
		t.Run(name, func(t *testing.T) {
			eachProxy(t, func(t *testing.T, p proxy, g *system.Gateway, addr string) {
				for _, before := range []string{"", "192.0.2.7"} {
					q, err := http.NewRequest("GET", "http://"+addr+"/headers", nil)
					if err != nil {
						t.Fatal(err)
					}
					q.Host = "own.test"
					if before != "" {
						q.Header.Set("X-Forwarded-For", before)
					}
					answer, err := http.DefaultClient.Do(q)
					if err != nil {
						t.Fatal(err)
					}
					var fields http.Header
					err = json.NewDecoder(answer.Body).Decode(&fields)
					answer.Body.Close()
					list := strings.Join(fields["X-Forwarded-For"], ", ") // nginx adds to a line, HAProxy adds a line
					want, proto := strings.TrimPrefix(before+", 127.0.0.1", ", "), "http"
					if flags == nil {
						want, proto = "", ""
					}
					if err != nil || list != want || fields.Get("X-Forwarded-Proto") != proto || fields.Get("Host") != "own.test" {
						t.Errorf("after %q: %v, %v", before, fields, err)
					}
				}
				http.DefaultClient.CloseIdleConnections()
			}, flags...)
		})
	}
}

// slow is a client that reads and writes when the test wants it.
func slow(t *testing.T, addr, head string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * system.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// TestProxiesAndSlowClients: clients that stop in the middle of an answer or of a body keep nobody waiting, and get all of
// it when they go on.
func TestProxiesAndSlowClients(t *testing.T) {
	const size, readers, writers = 32 << 20, 4, 4
	eachProxy(t, func(t *testing.T, p proxy, g *system.Gateway, addr string) {
		var reads [readers]*bufio.Reader
		var answers [readers]*http.Response
		for i := range reads {
			_, reads[i] = slow(t, addr, fmt.Sprintf("GET /bytes?n=%d HTTP/1.1\r\nHost: x\r\n\r\n", size))
			answer, err := http.ReadResponse(reads[i], nil)
			if err != nil {
				t.Fatal(err)
			}
			answers[i] = answer
		}
		var conns [writers]net.Conn
		var ins [writers]*bufio.Reader
		for i := range conns {
			conns[i], ins[i] = slow(t, addr, "POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+
				fmt.Sprintf("%x\r\n%s\r\n", 1000, content[:1000]))
		}
		system.Eventually(t, "the uploads have begun", func() bool { return requests(g) == readers+writers })

		clients[1].play(t, "http://"+addr, false, []step{
			{get("/"), nothing, 200, hello},
			{get("/bytes?n=8000000"), nothing, 200, body(pattern(0, 8000000))},
			{send("POST", "/upload", 2<<20).chunked(), nothing, 200, uploaded(2 << 20)},
		})

		for i, conn := range conns {
			if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n0\r\n\r\n", 500, content[1000:1500]); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(ins[i], nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(answer.Body)
			if wrong := uploaded(1500)(bodyOnly(text)); wrong != "" || err != nil {
				t.Errorf("%s, %v", wrong, err)
			}
		}
		want := pattern(0, size)
		for i, answer := range answers {
			got, err := io.ReadAll(answer.Body)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("slow reader %d got %d bytes, equal: %v, %v", i, len(got), bytes.Equal(got, want), err)
			}
		}
	})
}

func bodyOnly(text []byte) (a answer) {
	a.setBody(text)
	return a
}

// TestProxiesUnderLoad: connections are shared by clients and kept, and every answer is whole.
func TestProxiesUnderLoad(t *testing.T) {
	eachProxy(t, func(t *testing.T, p proxy, g *system.Gateway, addr string) {
		l := runWrk(t, "http://"+addr, "1")
		if got := accepted(g); got > 2*loadConnections {
			t.Errorf("%d connections for %d requests of %d clients", got, l.Seen, loadConnections)
		}
	})
}
