package envsocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/coder/websocket"

	"ringway/envmap"
)

// Types of messages, as OWIN numbers them. Ping and pong are answered and not delivered.
const (
	Text   = 1
	Binary = 2
	Closed = 8
)

// Types of values in the new environment.
type (
	// Send is the type of "websocket.SendAsync": see Socket.Send.
	Send func(ctx context.Context, message []byte, messageType int, endOfMessage bool) error
	// Receive is the type of "websocket.ReceiveAsync": see Socket.Receive.
	Receive func(ctx context.Context, buffer []byte) (messageType int, endOfMessage bool, count int, err error)
	// Close is the type of "websocket.CloseAsync": see Socket.Close.
	Close func(ctx context.Context, status int, description string) error
)

// Accept answers the handshake of a WebSocket request and gives the WebSocket to callback, as "websocket.Accept" does;
// protocol "" is none. Without a middleware of this package, or for a request that does not ask for a WebSocket, it is an
// error that wraps envmap.ErrUpgrade.
func Accept(env envmap.Env, protocol string, callback func(*Socket) error) error {
	v, _ := env.Get(envmap.KeyWebSocketAccept)
	accept, ok := v.(envmap.Upgrade)
	if !ok {
		return fmt.Errorf("envsocket: the environment has no %s: %w", envmap.KeyWebSocketAccept, envmap.ErrUpgrade)
	}
	return accept(map[string]any{envmap.KeyWebSocketSubProtocol: protocol}, func(now map[string]any) error {
		return callback(now[keySocket].(*Socket))
	})
}

// keySocket is where the new environment has its Socket.
const keySocket = "envsocket.Socket"

// Socket is a WebSocket. Send and Close may be called by any goroutine, Receive by one at a time.
type Socket struct {
	conn *websocket.Conn
	env  map[string]any
	ctx  context.Context

	turn    chan struct{} // held by who sends
	message io.WriteCloser
	sending int // type of message

	reader    io.Reader
	receiving int
	closed    atomic.Bool // by the client
}

func newSocket(conn *websocket.Conn, opaque map[string]any) *Socket {
	s := &Socket{conn: conn, turn: make(chan struct{}, 1)}
	s.ctx, _ = opaque[envmap.KeyOpaqueCallCancelled].(context.Context)
	s.env = map[string]any{
		envmap.KeyWebSocketVersion:       Version,
		envmap.KeyWebSocketSendAsync:     Send(s.Send),
		envmap.KeyWebSocketReceiveAsync:  Receive(s.Receive),
		envmap.KeyWebSocketCloseAsync:    Close(s.Close),
		envmap.KeyWebSocketCallCancelled: s.ctx,
		keySocket:                        s,
	}
	return s
}

// run calls the callback and closes what it left open.
func (s *Socket) run(callback envmap.UpgradeCallback) error {
	returned := false
	defer func() {
		if !returned {
			_ = s.conn.Close(websocket.StatusInternalError, "") // a panic goes on
		}
	}()
	err := callback(s.env)
	returned = true
	status := websocket.StatusNormalClosure
	if err != nil {
		status = websocket.StatusInternalError
	}
	_ = s.conn.Close(status, "") // it may be closed already
	return err
}

// Context is cancelled when the client is gone or the worker must stop.
func (s *Socket) Context() context.Context { return s.ctx }

// Protocol is the sub-protocol that was agreed on, "" if none was.
func (s *Socket) Protocol() string { return s.conn.Subprotocol() }

// Conn is what is behind the Socket, for what it has no words for. It must not be used beside Send or Receive.
func (s *Socket) Conn() *websocket.Conn { return s.conn }

// Send sends a message, or, with endOfMessage false, the next piece of one: then the next Send, whoever makes it, goes on
// with it, and its type must be the same. It returns when the connection has taken the bytes; ctx bounds that, see "Sending".
// Type Closed closes with status 1000 and message as description.
func (s *Socket) Send(ctx context.Context, message []byte, messageType int, endOfMessage bool) error {
	switch messageType {
	case Text, Binary:
	case Closed:
		return s.Close(ctx, int(websocket.StatusNormalClosure), string(message))
	default:
		return fmt.Errorf("envsocket: message type %d, want 1 (text), 2 (binary) or 8 (close)", messageType)
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.turn }()
	if s.message == nil && endOfMessage {
		return s.conn.Write(ctx, websocket.MessageType(messageType), message)
	}
	if s.message == nil {
		w, err := s.conn.Writer(ctx, websocket.MessageType(messageType))
		if err != nil {
			return err
		}
		s.message, s.sending = w, messageType
	}
	if messageType != s.sending {
		return fmt.Errorf("envsocket: a piece of type %d in a message of type %d", messageType, s.sending)
	}
	if _, err := s.message.Write(message); err != nil {
		return err
	}
	if !endOfMessage {
		return nil
	}
	w := s.message
	s.message = nil
	return w.Close()
}

// Receive fills buffer with what comes next of a message. endOfMessage says that it was the last of it; a message that is
// longer than the buffer takes several calls, for which the context of the first one counts. A context that ends closes the
// WebSocket. The client's close gives type Closed: then the environment has "websocket.ClientCloseStatus" and
// "websocket.ClientCloseDescription".
func (s *Socket) Receive(ctx context.Context, buffer []byte) (messageType int, endOfMessage bool, count int, err error) {
	if s.closed.Load() {
		return Closed, true, 0, nil
	}
	if s.reader == nil {
		kind, r, err := s.conn.Reader(ctx)
		if err != nil {
			return s.ended(err)
		}
		s.reader, s.receiving = r, int(kind)
	}
	n, err := io.ReadFull(s.reader, buffer)
	switch {
	case err == nil:
		return s.receiving, false, n, nil
	case err == io.EOF, err == io.ErrUnexpectedEOF: // of ReadFull itself; an end within the message comes wrapped
		s.reader = nil
		return s.receiving, true, n, nil
	}
	return s.ended(err)
}

// ended tells a close of the client from what else ends receiving.
func (s *Socket) ended(err error) (int, bool, int, error) {
	var closed websocket.CloseError
	if !errors.As(err, &closed) {
		return 0, false, 0, err
	}
	s.closed.Store(true)
	s.env[envmap.KeyWebSocketClientCloseStatus] = int(closed.Code)
	if closed.Reason != "" {
		s.env[envmap.KeyWebSocketClientCloseDescription] = closed.Reason
	}
	return Closed, true, 0, nil
}

// ClientClose returns what the client closed with; ok once Receive has given type Closed.
func (s *Socket) ClientClose() (status int, description string, ok bool) {
	status, ok = s.env[envmap.KeyWebSocketClientCloseStatus].(int)
	description, _ = s.env[envmap.KeyWebSocketClientCloseDescription].(string)
	return status, description, ok
}

// Close closes with a status and a description of at most 123 bytes, and waits for the client to do the same. ctx bounds that.
func (s *Socket) Close(ctx context.Context, status int, description string) error {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.CloseNow() })
	defer stop()
	err := s.conn.Close(websocket.StatusCode(status), description)
	if s.closed.Load() {
		return nil // the library has answered the client's close
	}
	return err
}
