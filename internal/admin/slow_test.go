package admin

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowClientsAreCut: one that does not finish its head, or its order, is not waited for; others are answered meanwhile.
func TestSlowClientsAreCut(t *testing.T) {
	t.Parallel()
	server, err := Open(Options{Address: "127.0.0.1:0"}, fakeHost{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve() }()
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL(), "http://")
	for name, half := range map[string]string{
		"head": "GET /stats HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"body": "POST /swap HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := fmt.Fprint(conn, half); err != nil {
				t.Fatal(err)
			}
			response, err := http.Get(server.URL() + "/healthz")
			if err != nil || response.StatusCode != 200 {
				t.Fatalf("another client: %v %v", response, err)
			}
			_ = response.Body.Close()
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Errorf("the connection is not closed: %v", err)
			}
		})
	}
}
