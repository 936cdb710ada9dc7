package envsocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"ringway/envmap"
	"ringway/envmap/envhttp"
	"ringway/envmap/envsocket"
)

// serve runs an App behind net/http and returns its address.
func serve(t *testing.T, o envsocket.Options, app envmap.App) string {
	t.Helper()
	s := httptest.NewServer(envhttp.Handler(envmap.Chain(app, envsocket.Middleware(o))))
	t.Cleanup(s.Close)
	return s.URL
}

func dial(t *testing.T, url string, o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(-1)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// accepting is an App that gives every WebSocket to callback, by the keys of the extension.
func accepting(params map[string]any, callback func(now map[string]any) error) envmap.App {
	return func(env envmap.Env) error {
		v, ok := env.Get(envmap.KeyWebSocketAccept)
		if !ok {
			return env.Reply(426).Text("want a WebSocket\n")
		}
		return v.(envmap.Upgrade)(params, callback)
	}
}

// TestEcho by the keys of the new environment: text and binary, small and larger than the buffer, and the client's close.
func TestEcho(t *testing.T) {
	closed := make(chan string, 1)
	url := serve(t, envsocket.Options{}, accepting(nil, func(now map[string]any) error {
		send, receive := now[envmap.KeyWebSocketSendAsync].(envsocket.Send), now[envmap.KeyWebSocketReceiveAsync].(envsocket.Receive)
		ctx := now[envmap.KeyWebSocketCallCancelled].(context.Context)
		if _, ok := now[envmap.KeyWebSocketClientCloseStatus]; ok || now[envmap.KeyWebSocketVersion] != "1.0" {
			t.Errorf("environment %v", now)
		}
		buffer := make([]byte, 1000)
		for {
			kind, end, n, err := receive(ctx, buffer)
			if err != nil {
				return err
			}
			if kind == envsocket.Closed {
				closed <- fmt.Sprint(now[envmap.KeyWebSocketClientCloseStatus], now[envmap.KeyWebSocketClientCloseDescription])
				return now[envmap.KeyWebSocketCloseAsync].(envsocket.Close)(ctx, 1000, "")
			}
			if err := send(ctx, buffer[:n], kind, end); err != nil {
				return err
			}
		}
	}))
	c := dial(t, url, nil)
	for _, size := range []int{0, 1, 999, 1000, 1001, 100_000} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			message := bytes.Repeat([]byte("x"), size)
			if err := c.Write(t.Context(), kind, message); err != nil {
				t.Fatal(err)
			}
			got, back, err := c.Read(t.Context())
			if err != nil || got != kind || !bytes.Equal(back, message) {
				t.Fatalf("%d bytes of %v: %v, %d bytes, %v", size, kind, got, len(back), err)
			}
		}
	}
	c.CloseRead(t.Context()) // takes the pong
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err) // answered by the callback's receive, and not delivered to it
	}
	_ = c.Close(4001, "own reason")
	if got := <-closed; got != "4001own reason" {
		t.Errorf("the client's close: %s", got)
	}
}

// TestAcceptForGo: the same with the typed API, and the sub-protocol.
func TestAcceptForGo(t *testing.T) {
	url := serve(t, envsocket.Options{}, func(env envmap.Env) error {
		return envsocket.Accept(env, "chat", func(s *envsocket.Socket) error {
			if s.Protocol() != "chat" || s.Context().Err() != nil || s.Conn() == nil {
				t.Errorf("protocol %q, context %v", s.Protocol(), s.Context().Err())
			}
			if err := s.Send(s.Context(), []byte("pie"), envsocket.Text, false); err != nil {
				return err
			}
			if err := s.Send(s.Context(), nil, envsocket.Binary, true); err == nil {
				t.Error("a message changed its type")
			}
			if err := s.Send(s.Context(), nil, 3, true); err == nil {
				t.Error("type 3 is accepted")
			}
			if err := s.Send(s.Context(), []byte("ces"), envsocket.Text, true); err != nil {
				return err
			}
			return s.Send(s.Context(), []byte("bye"), envsocket.Closed, true)
		})
	})
	c := dial(t, url, &websocket.DialOptions{Subprotocols: []string{"other", "chat"}})
	if c.Subprotocol() != "chat" {
		t.Errorf("sub-protocol %q", c.Subprotocol())
	}
	if _, message, err := c.Read(t.Context()); string(message) != "pieces" || err != nil {
		t.Errorf("%q, %v", message, err)
	}
	_, _, err := c.Read(t.Context())
	var closing websocket.CloseError
	if !errors.As(err, &closing) || closing.Code != 1000 || closing.Reason != "bye" {
		t.Errorf("the close: %v", err)
	}
}

// TestSendFromManyGoroutines: messages arrive whole.
func TestSendFromManyGoroutines(t *testing.T) {
	const senders, each = 8, 50
	url := serve(t, envsocket.Options{}, func(env envmap.Env) error {
		return envsocket.Accept(env, "", func(s *envsocket.Socket) error {
			var group sync.WaitGroup
			for i := range senders {
				group.Go(func() {
					for range each {
						if err := s.Send(s.Context(), bytes.Repeat([]byte{'a' + byte(i)}, 5000), envsocket.Binary, true); err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Wait()
			return nil
		})
	})
	c := dial(t, url, nil)
	counts := map[byte]int{}
	for {
		_, message, err := c.Read(t.Context())
		if err != nil {
			if websocket.CloseStatus(err) != 1000 {
				t.Error(err)
			}
			break
		}
		if len(message) != 5000 || bytes.Count(message, message[:1]) != 5000 {
			t.Fatalf("a message of %d bytes, mixed", len(message))
		}
		counts[message[0]]++
	}
	for i := range senders {
		if n := counts['a'+byte(i)]; n != each {
			t.Errorf("%d messages of sender %d, want %d", n, i, each)
		}
	}
}

// TestBackpressure: a sender whose client reads nothing is held up, and a deadline ends that.
func TestBackpressure(t *testing.T) {
	result := make(chan error, 1)
	url := serve(t, envsocket.Options{}, func(env envmap.Env) error {
		return envsocket.Accept(env, "", func(s *envsocket.Socket) error {
			ctx, cancel := context.WithTimeout(s.Context(), 200*time.Millisecond)
			defer cancel()
			var err error
			for sent := 0; sent < 1<<30 && err == nil; sent += 1 << 20 {
				err = s.Send(ctx, make([]byte, 1<<20), envsocket.Binary, true)
			}
			result <- err
			return err
		})
	})
	dial(t, url, nil)
	if err := <-result; err == nil {
		t.Error("a gigabyte was sent to a client that reads nothing")
	}
}

// TestEnds: how the WebSocket is closed when the callback ends by itself.
func TestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		callback func(*envsocket.Socket) error
		status   websocket.StatusCode
	}{
		"nil":   {func(*envsocket.Socket) error { return nil }, 1000},
		"error": {func(*envsocket.Socket) error { return errors.New("own") }, 1011},
		"panic": {func(*envsocket.Socket) error { panic("own") }, 1011},
		"close": {func(s *envsocket.Socket) error { return s.Close(s.Context(), 4002, "x") }, 4002},
	} {
		url := serve(t, envsocket.Options{}, func(env envmap.Env) error { return envsocket.Accept(env, "", c.callback) })
		_, _, err := dial(t, url, nil).Read(t.Context())
		if got := websocket.CloseStatus(err); got != c.status {
			t.Errorf("%s: %d, %v, want %d", name, got, err, c.status)
		}
	}
}

// TestRefused: what is no proper handshake, or comes too late, is an error to the application.
func TestRefused(t *testing.T) {
	errs := make(chan error, 1)
	never := func(*envsocket.Socket) error { t.Error("the callback ran"); return nil }
	app := func(env envmap.Env) error {
		if env.Query() == "late" {
			_ = env.Flush()
		}
		errs <- envsocket.Accept(env, strings.TrimPrefix(env.Path(), "/"), never)
		if env.Query() == "late" {
			return nil
		}
		return env.Reply(400).Empty()
	}
	url := serve(t, envsocket.Options{Origins: []string{"good.example"}}, app)
	proper := http.Header{
		"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"MDEyMzQ1Njc4OWFiY2RlZg=="},
	}
	for name, c := range map[string]struct {
		path, field, value, want string
		status                   int
	}{
		"not asked":    {"", "Upgrade", "", "does not offer", 400},
		"other":        {"", "Upgrade", "h2c", "does not offer", 400},
		"version":      {"", "Sec-Websocket-Version", "12", "12", 400},
		"key":          {"", "Sec-Websocket-Key", "x", `"x"`, 400},
		"origin":       {"", "Origin", "https://bad.example", "bad.example", 400},
		"sub-protocol": {"chat", "Sec-Websocket-Protocol", "other", `"chat"`, 400},
		"late":         {"?late", "X", "y", "sealed", 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = proper.Clone()
		r.Header.Set(c.field, c.value)
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if err := <-errs; err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if answer.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d", name, answer.StatusCode, c.status)
		}
	}
}

func TestOriginAllowed(t *testing.T) {
	for _, origins := range [][]string{{"good.example"}, {"*"}} {
		url := serve(t, envsocket.Options{Origins: origins}, func(env envmap.Env) error {
			return envsocket.Accept(env, "", func(*envsocket.Socket) error { return nil })
		})
		_, _, err := dial(t, url, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://good.example"}}}).Read(t.Context())
		if websocket.CloseStatus(err) != 1000 {
			t.Errorf("%v: %v", origins, err)
		}
	}
}

func TestReadLimit(t *testing.T) {
	result := make(chan error, 1)
	url := serve(t, envsocket.Options{ReadLimit: 10}, func(env envmap.Env) error {
		return envsocket.Accept(env, "", func(s *envsocket.Socket) error {
			_, _, _, err := s.Receive(s.Context(), make([]byte, 100))
			result <- err
			return err
		})
	})
	c := dial(t, url, nil)
	if err := c.Write(t.Context(), websocket.MessageText, make([]byte, 50)); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err == nil {
		t.Error("a message beyond the limit was received")
	}
}

func TestUseAnnouncesTheCapability(t *testing.T) {
	p := envmap.NewProperties(nil)
	if _, err := envsocket.Use(envmap.NewBuilder(p), envsocket.Options{}).Run(nil); err != nil {
		t.Fatal(err)
	}
	if v := p.Capabilities()[envmap.KeyWebSocketVersion]; v != "1.0" {
		t.Errorf("websocket.Version is %v", v)
	}
}
