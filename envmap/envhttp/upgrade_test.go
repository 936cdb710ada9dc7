package envhttp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envhttp"
)

// TestUpgradeBehindNetHTTP: opaque.Upgrade works with any server that has an http.Hijacker.
func TestUpgradeBehindNetHTTP(t *testing.T) {
	contexts := make(chan context.Context, 1)
	s, _ := serve(t, envhttp.Handler(func(env envmap.Env) error {
		_ = env.SetHeader("X-Own", "1")
		return env.Upgrade(nil, func(now map[string]any) error {
			contexts <- now[envmap.KeyOpaqueCallCancelled].(context.Context)
			stream := now[envmap.KeyOpaqueStream].(envmap.Stream)
			if _, err := io.Copy(stream, stream); err != nil {
				return err
			}
			return stream.CloseWrite()
		})
	}))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: x, upgrade\r\nUpgrade: test\r\n\r\nearly ")
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "status", answer.StatusCode, 101)
	equal(t, "fields", answer.Header.Get("Upgrade")+answer.Header.Get("Connection")+answer.Header.Get("X-Own"), "testUpgrade1")
	ctx := <-contexts
	equal(t, "cancelled", ctx.Err(), nil)
	_, _ = io.WriteString(conn, "late")
	_ = conn.(*net.TCPConn).CloseWrite()
	echoed, err := io.ReadAll(in)
	if string(echoed) != "early late" || err != nil {
		t.Errorf("%q, %v", echoed, err)
	}
	<-ctx.Done()
	for _, fields := range []string{"", "Connection: upgrade\r\n", "Upgrade: test\r\n"} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != 500 {
			t.Errorf("%q: %v, %v", fields, answer, err)
		}
		_ = conn.Close()
	}
}
