package envsocket

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"ringway/envmap"
	"ringway/envmap/envhttp"
)

// Version is what the capability "websocket.Version" says.
const Version = "1.0"

// Options are what a server allows.
type Options struct {
	// Origins are the hosts (path.Match patterns, with or without scheme) whose pages may open a WebSocket, beside the
	// host that was asked; "*" is any.
	Origins []string
	// ReadLimit bounds a received message in bytes; 0: the application's buffers are the only bound.
	ReadLimit int64
}

// Use announces the extension among the capabilities and adds its middleware.
func Use(b *envmap.Builder, o Options) *envmap.Builder {
	b.Properties().Capabilities()[envmap.KeyWebSocketVersion] = Version
	return b.Use(Middleware(o))
}

// Middleware puts "websocket.Accept" into the environment of requests that ask for a WebSocket. Accept gives an error if the
// handshake is not right, the origin is not allowed, the sub-protocol was not offered, or the head is sealed already.
func Middleware(o Options) envmap.Middleware {
	return func(next envmap.App) envmap.App {
		return func(env envmap.Env) error {
			if !env.Has(envmap.KeyOpaqueUpgrade) || !offered(env, "Upgrade", "websocket") {
				return next(env)
			}
			err := env.Set(envmap.KeyWebSocketAccept, envmap.Upgrade(func(params map[string]any, callback envmap.UpgradeCallback) error {
				return accept(env, o, params, callback)
			}))
			if err != nil {
				return err
			}
			return next(env)
		}
	}
}

// offered says whether a list field of the request has a token, in any case.
func offered(env envmap.Env, field, token string) bool {
	return slices.ContainsFunc(tokens(env, field), func(t string) bool { return strings.EqualFold(t, token) })
}

func tokens(env envmap.Env, field string) []string {
	var all []string
	for _, value := range env.RequestHeaders().Values(field) {
		for t := range strings.SplitSeq(value, ",") {
			all = append(all, strings.TrimSpace(t))
		}
	}
	return all
}

// accept answers the handshake, and gives the WebSocket to callback when the pipeline has unwound.
func accept(env envmap.Env, o Options, params map[string]any, callback envmap.UpgradeCallback) error {
	if callback == nil {
		return errors.New("envsocket: Accept needs a callback")
	}
	protocol, err := subProtocol(env, params)
	if err != nil {
		return err
	}
	options := &websocket.AcceptOptions{OriginPatterns: o.Origins, InsecureSkipVerify: slices.Contains(o.Origins, "*")}
	if protocol != "" {
		options.Subprotocols = []string{protocol}
	}
	h := &handshake{header: http.Header{}, link: &connection{}}
	r := envhttp.Request(env)
	r.Header.Set("Connection", "Upgrade") // that it was offered, opaque.Upgrade has seen
	conn, err := websocket.Accept(h, r, options)
	if err != nil {
		return fmt.Errorf("envsocket: %w", err)
	}
	conn.SetReadLimit(-1)
	if o.ReadLimit > 0 {
		conn.SetReadLimit(o.ReadLimit)
	}
	err = env.Upgrade(nil, func(now map[string]any) error {
		h.link.stream = now[envmap.KeyOpaqueStream].(envmap.Stream)
		return newSocket(conn, now).run(callback)
	})
	if err != nil {
		return err
	}
	for name, values := range h.header {
		if name == "Connection" {
			continue // the server's business
		}
		if err := env.ResponseHeaders().Set(name, values...); err != nil {
			return err
		}
	}
	return nil
}

// subProtocol is the one that the application chose.
func subProtocol(env envmap.Env, params map[string]any) (string, error) {
	v, ok := params[envmap.KeyWebSocketSubProtocol]
	if !ok || v == nil || v == "" {
		return "", nil
	}
	protocol, ok := v.(string)
	if !ok {
		return "", &envmap.ValueError{Key: envmap.KeyWebSocketSubProtocol, Value: fmt.Sprintf("of type %T", v), Want: "string"}
	}
	if offers := tokens(env, "Sec-WebSocket-Protocol"); !slices.Contains(offers, protocol) {
		return "", &envmap.ValueError{
			Key: envmap.KeyWebSocketSubProtocol, Value: fmt.Sprintf("%q", protocol), Want: fmt.Sprintf("one of those offered, %q", offers),
		}
	}
	return protocol, nil
}

var errNoStream = errors.New("envsocket: the connection was not upgraded")

// connection is an opaque stream that comes later than the handshake.
type connection struct {
	stream envmap.Stream
}

func (c *connection) Read(p []byte) (int, error) {
	if c.stream == nil {
		return 0, errNoStream
	}
	return c.stream.Read(p)
}

func (c *connection) Write(p []byte) (int, error) {
	if c.stream == nil {
		return 0, errNoStream
	}
	return c.stream.Write(p)
}

func (c *connection) Close() error {
	if c.stream == nil {
		return nil
	}
	return c.stream.Close()
}

var _ io.ReadWriteCloser = (*connection)(nil)
