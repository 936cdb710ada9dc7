package sockets

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// TestClientsAttack: whatever clients do around an offer and in a stream, in whatever order, nothing of it stays.
func TestClientsAttack(t *testing.T) {
	t.Parallel()
	g := start(t, "--send-timeout", "1s", "--upgrade-idle", "1s", "--body-timeout", "1s", "--request-timeout", "2s")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	end := time.Now().Add(4 * time.Second)
	var clients sync.WaitGroup
	for i := range uint64(16) {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, i))
			for n := 0; n < 400 && time.Now().Before(end); n++ {
				attack(g, random)
			}
		})
	}
	clients.Wait()
	stop(t, g)
}

// attack is one connection of a client that does what comes to its mind. Its errors mean nothing.
func attack(g *system.Gateway, random *rand.Rand) {
	conn, err := net.Dial("tcp", g.Addr)
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	for range 1 + random.IntN(12) {
		switch random.IntN(11) {
		case 0, 1, 2, 3:
			body := pick("", "", "", "Content-Length: 5\r\n\r\nhello", "Content-Length: 5\r\n\r\nhe", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
			if body == "" {
				body = "\r\n"
			}
			fmt.Fprintf(conn, "%s %s HTTP/1.%s\r\nHost: x\r\nConnection: %s\r\nUpgrade: %s\r\n%s", pick("GET", "GET", "GET", "HEAD", "POST"),
				pick("/hold", "/hold", "/endless", "/coder", "/late", "/pid", "/none"), pick("1", "1", "1", "0"), pick("upgrade", "upgrade", "upgrade", "upgrade, close", "x"),
				pick("raw", "raw, other", "websocket", "nothing"), body)
		case 4:
			fmt.Fprint(conn, "GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
		case 5:
			_, _ = conn.Write(make([]byte, random.IntN(400_000)))
		case 6:
			_, _ = io.CopyN(io.Discard, conn, int64(random.IntN(1000)))
		case 7:
			_ = conn.(*net.TCPConn).CloseWrite()
		case 8:
			_ = conn.(*net.TCPConn).SetLinger(0)
		case 9:
			time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
		case 10:
			fmt.Fprint(conn, "GET /go HTTP/1.1\r\nHost: x\r\n\r\n")
		}
	}
}
