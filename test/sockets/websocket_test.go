package sockets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"ringway/test/e2e/system"
)

var libraries = []string{"coder", "gorilla"}

const mostMessage = 64 << 20

func dial(t *testing.T, g *system.Gateway, path string, o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*system.Patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, g.URL(path), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(mostMessage)
	return conn
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*system.Patience)
	t.Cleanup(cancel)
	return ctx
}

// TestEcho sends messages of every size through both libraries as servers, compressed and not, from both as clients.
func TestEcho(t *testing.T) {
	t.Parallel()
	g := start(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	text := make([]byte, 16<<20)
	random := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = random.Read(text)
	sizes := []int{0, 1, 125, 126, 127, 4095, 65535, 65536, 65537, 1 << 20, 16 << 20}
	t.Run("all", func(t *testing.T) {
		for _, server := range libraries {
			for mode, name := range map[websocket.CompressionMode]string{websocket.CompressionDisabled: "plain", websocket.CompressionContextTakeover: "compressed"} {
				t.Run("coder to "+server+", "+name, func(t *testing.T) {
					conn := dial(t, g, "/"+server, &websocket.DialOptions{CompressionMode: mode})
					ctx := patience(t)
					for _, size := range sizes {
						want := text[:size]
						sent := make(chan error, 1)
						go func() { sent <- conn.Write(ctx, websocket.MessageBinary, want) }()
						kind, got, err := conn.Read(ctx)
						if err := errors.Join(err, <-sent); err != nil || kind != websocket.MessageBinary || !bytes.Equal(got, want) {
							t.Fatalf("%d bytes: %v, %d came back", size, err, len(got))
						}
					}
					if err := conn.Close(websocket.StatusNormalClosure, "done"); err != nil {
						t.Error(err)
					}
				})
			}
			t.Run("gorilla to "+server, func(t *testing.T) {
				conn, _, err := gorilla.DefaultDialer.DialContext(patience(t), "ws://"+g.Addr+"/"+server, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				pongs := 0
				conn.SetPongHandler(func(data string) error { pongs++; return nil })
				for _, size := range sizes[:len(sizes)-1] {
					sent := make(chan error, 1)
					go func() { // in frames of 4 KiB, with a ping between two messages
						err := conn.WriteMessage(gorilla.PingMessage, []byte("are you there"))
						w, werr := conn.NextWriter(gorilla.TextMessage)
						if err = errors.Join(err, werr); err == nil {
							_, err = w.Write(bytes.ToValidUTF8(text[:size], []byte("?")))
							err = errors.Join(err, w.Close())
						}
						sent <- err
					}()
					_, got, err := conn.ReadMessage()
					if err := errors.Join(err, <-sent); err != nil || !bytes.Equal(got, bytes.ToValidUTF8(text[:size], []byte("?"))) {
						t.Fatalf("%d bytes: %v, %d came back", size, err, len(got))
					}
				}
				if pongs != len(sizes)-1 {
					t.Errorf("%d pongs, want %d", pongs, len(sizes)-1)
				}
			})
		}
	})
	stop(t, g)
}

// TestCloseCodes: whoever closes, the other one gets status and reason.
func TestCloseCodes(t *testing.T) {
	t.Parallel()
	g := start(t)
	for _, server := range libraries {
		for _, code := range []int{1000, 1001, 3999, 4999} {
			conn, _, err := gorilla.DefaultDialer.DialContext(patience(t), "ws://"+g.Addr+"/"+server, nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, "why not"))
			var closed *gorilla.CloseError
			if _, _, err := conn.ReadMessage(); !errors.As(err, &closed) || closed.Code != code {
				t.Errorf("%s answers a close with %d by %v", server, code, err)
			}
			_ = conn.Close()
		}
	}
	stop(t, g)
}

// TestReverseProxy: a handler of the standard library that hijacks, in front of another stream.
func TestReverseProxy(t *testing.T) {
	t.Parallel()
	g := start(t)
	conn, ctx := dial(t, g, "/proxy?to="+g.Addr, nil), patience(t)
	for _, size := range []int{0, 1, 1 << 20} {
		want := bytes.Repeat([]byte("x"), size)
		sent := make(chan error, 1)
		go func() { sent <- conn.Write(ctx, websocket.MessageText, want) }()
		_, got, err := conn.Read(ctx)
		if err := errors.Join(err, <-sent); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %d came back, %v", size, len(got), err)
		}
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	stop(t, g)
}

// many runs clients beside one another, each with several goroutines that send, and checks that every message comes back.
func many(t *testing.T, g *system.Gateway, clients, senders, messages int) {
	t.Helper()
	var all sync.WaitGroup
	var open atomic.Int64
	for i := range clients {
		all.Go(func() {
			ctx := patience(t)
			conn, _, err := websocket.Dial(ctx, g.URL("/"+libraries[i%2]), nil)
			if err != nil {
				t.Errorf("client %d: %v", i, err)
				return
			}
			defer conn.CloseNow()
			open.Add(1)
			var sending sync.WaitGroup
			for s := range senders {
				sending.Go(func() {
					for m := range messages {
						if err := conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, "%d %d %0*d", i, s, 1+m*37, m)); err != nil {
							t.Errorf("client %d: %v", i, err)
							return
						}
					}
				})
			}
			next := make([]int, senders)
			for range senders * messages {
				_, got, err := conn.Read(ctx)
				var client, s, m int
				if n, _ := fmt.Sscanf(string(got), "%d %d %d", &client, &s, &m); err != nil || n != 3 || client != i || m != next[s] {
					t.Errorf("client %d: %q, %v", i, got, err)
					return
				}
				next[s]++
			}
			sending.Wait()
		})
	}
	all.Wait()
	if n := open.Load(); n != int64(clients) {
		t.Errorf("%d of %d clients were served", n, clients)
	}
}

func TestManyClients(t *testing.T) {
	t.Parallel()
	g := start(t, "--loops", "2", "--workers", "2", "--in-flight", "20")
	many(t, g, 200, 4, 10)
	stop(t, g)
}

// TestSwap: what is open stays with its worker, new ones go to the new release, and the drain limit ends the old.
func TestSwap(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--confirm", "0s", "--drain-limit", "1s"}})
	old := system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, worker, "r1")
	g.WaitReady(1)
	conn := dial(t, g, "/coder", nil)
	ctx := patience(t)
	echo := func() error {
		if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
			return err
		}
		_, _, err := conn.Read(ctx)
		return err
	}
	if err := echo(); err != nil {
		t.Fatal(err)
	}
	before := get(t, g, "/pid")
	held := dialRaw(t, g, "/hold", "raw")
	system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, worker, "r2")
	system.Eventually(t, "the new release serves", func() bool { return get(t, g, "/pid") != before })
	var err error
	for err == nil { // until the drain limit; patience bounds it
		err = echo()
	}
	if code := websocket.CloseStatus(err); code != -1 || ctx.Err() != nil {
		t.Errorf("the WebSocket ended with status %d, %v, want a cut", code, err)
	}
	if rest, err := io.ReadAll(held); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the stream ended with %q, %v, want a reset", rest, err)
	}
	system.Eventually(t, "the old worker has ended", old.Ended)
	if told := old.Stderr(); !strings.Contains(told, "time to drain is over") {
		t.Errorf("the old worker was not told why its stream ended: %s", told)
	}
	stop(t, g)
}
