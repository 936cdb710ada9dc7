package rules

import (
	"context"
	"io"
	"os"

	"ringway/envmap"
	"ringway/envmap/envsocket"
)

const extensionSection = "Extensions"

// upgradeRequest is a request that offers another protocol.
const upgradeRequest = "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: test\r\n%s\r\n"

func unreached(c *Check) envmap.UpgradeCallback {
	return func(map[string]any) error {
		c.Errorf("the callback ran")
		return nil
	}
}

var extensionRules = []Rule{
	{
		Section: extensionSection, Clause: "SendFile 0.3", Title: "sendfile.SendAsync sends a part of a file, and the head if it is unsent; when it is done the file is closed",
		Cases: []Case{{
			Name: "a part of a file",
			App: func(c *Check, env envmap.Env) error {
				file, err := os.CreateTemp("", "ringway-owin-")
				if err != nil {
					return err
				}
				defer os.Remove(file.Name())
				defer file.Close()
				if _, err := file.WriteString("0123456789"); err != nil {
					return err
				}
				send := value[envmap.SendFile](c, env, "sendfile.SendAsync")
				_ = env.SetStatus(202)
				if err := send(env.Context(), file.Name(), 2, 3); err != nil {
					return err
				}
				Equal(c, "the head is sent", env.SetStatus(200), envmap.ErrSealed)
				return send(env.Context(), file.Name(), 8, -1)
			},
			Status: 202, Body: "23489",
		}},
		Tests: []Place{{"envmap/reply_body_test.go", []string{"TestSendFileKey"}}, {"envmap/sendfile_test.go", nil}},
	},
	{
		Section: extensionSection, Clause: "Opaque 0.3", Title: "opaque.Upgrade: 101 at once, the callback runs after the pipeline has unwound, with a new environment: opaque.Stream, opaque.Version, opaque.CallCancelled",
		Cases: []Case{{
			Name: "an upgraded connection", Send: upgradeRequest, Status: 101, Body: "-", Late: true,
			App: func(c *Check, env envmap.Env) error {
				done := make(chan struct{})
				c.Later(func() { <-done })
				old := value[map[string]any](c, env, "server.Capabilities")
				upgrade := value[envmap.Upgrade](c, env, "opaque.Upgrade")
				err := upgrade(map[string]any{}, func(now map[string]any) error {
					defer close(done)
					Equal(c, "keys of the new environment", len(now), 3)
					Equal(c, "opaque.Version", now["opaque.Version"], any("1.0"))
					Equal(c, "opaque.CallCancelled", now["opaque.CallCancelled"].(context.Context).Err(), nil)
					Equal(c, "count of the old environment", env.Len(), 0)
					stream := now["opaque.Stream"].(io.ReadWriteCloser)
					if b, err := io.ReadAll(io.LimitReader(stream, 4)); string(b) != "ping" || err != nil {
						c.Errorf("the stream gives %q, %v", b, err)
					}
					_, err := io.WriteString(stream, "pong")
					return err
				})
				Equal(c, "capability", old["opaque.Version"], any("1.0"))
				Equal(c, "status at once", value[int](c, env, "owin.ResponseStatusCode"), 101)
				_ = env.SetHeader("X-Own", "1")
				return err
			},
			Fields: []string{"X-Own: 1", "Upgrade: test"}, Talk: &Talk{"ping", "pong"}, GatewayOnly: true,
		}},
		Tests: []Place{
			{"envmap/upgrade_test.go", []string{"TestUpgrade", "TestUpgradeNamesItsProtocol", "TestUpgradeCallbackFails"}},
			{"envmap/envhttp/upgrade_test.go", []string{"TestUpgradeBehindNetHTTP"}}, {"bridge/hijack_test.go", []string{"TestEnvExchangeUpgrades"}},
		},
	},
	{
		Section: extensionSection, Clause: "Opaque 0.3", Title: "Upgrade of a request that asked for none, or after the head was sent, is an error to the application; where the callback will not run, owin.CallCancelled fires",
		Cases: []Case{
			{
				Name: "no upgrade was asked for",
				App: func(c *Check, env envmap.Env) error {
					Equal(c, "opaque.Upgrade is there", env.Has("opaque.Upgrade"), false)
					Equal(c, "Upgrade", env.Upgrade(nil, unreached(c)), envmap.ErrUpgrade)
					Equal(c, "websocket.Accept is there", env.Has("websocket.Accept"), false)
					return ok(env)
				},
			},
			{
				Name: "an upgrade after the head was sent", Send: upgradeRequest,
				App: func(c *Check, env envmap.Env) error {
					_, err := env.WriteString("ok")
					Equal(c, "Upgrade", env.Upgrade(nil, unreached(c)), envmap.ErrSealed)
					return err
				},
			},
			{
				Name: "an upgrade that is given up", Send: upgradeRequest, Status: 403, Body: "no", Late: true, GatewayOnly: true,
				App: func(c *Check, env envmap.Env) error {
					ctx := value[context.Context](c, env, "owin.CallCancelled")
					c.Later(func() { fires(c, ctx) })
					if err := env.Upgrade(nil, unreached(c)); err != nil {
						return err
					}
					return env.Reply(403).Text("no")
				},
			},
		},
		Tests: []Place{{"envmap/upgrade_test.go", []string{"TestUpgradeRefused", "TestUpgradeGivenUp"}}},
	},
	{
		Section: extensionSection, Clause: "WebSocket 0.4", Title: "websocket.Accept: SendAsync, ReceiveAsync and CloseAsync in a new environment; types 1, 2 and 8; ping and pong are not delivered, data is unmasked",
		Tests: []Place{{"envmap/envsocket/socket_test.go", []string{"TestEcho", "TestAcceptForGo", "TestEnds", "TestUseAnnouncesTheCapability"}}, {"test/owin/websocket_test.go", []string{"TestWebSocketBehindGateway"}}},
	},
	{
		Section: extensionSection, Clause: "WebSocket 0.4", Title: "Accept of what is no WebSocket handshake, or after the head was sent, is an error to the application",
		Tests: []Place{{"envmap/envsocket/socket_test.go", []string{"TestRefused"}}},
	},
	{
		Section: extensionSection, Clause: "Ringway", Title: "Frames may be sent from any goroutine; a client that reads nothing holds the sender up, which a deadline ends",
		Tests: []Place{{"envmap/envsocket/socket_test.go", []string{"TestSendFromManyGoroutines", "TestBackpressure"}}},
	},
}

// Exceptions are what is not done as OWIN might have it.
var Exceptions = []Exception{
	{"OWIN 1.0, 3.2.2", "owin.ResponseProtocol is checked and has no effect", "versions and framing are the gateway's business"},
	{"OWIN 1.0, 3.2", "trailers and interim responses have no key", "OWIN has no words for them; http.Handlers can use them"},
	{"Common keys, 6", "ssl.ClientCertificate is never set by the server", "the gateway does not end TLS"},
	{"OWIN 1.0, 3.1", "an Env is a value of its own, not a map", "so that nothing is decoded before it is asked for; Keys, All and the other calls are the dictionary"},
}

// Echo is a WebSocket that sends back what it receives, by the keys of the extension.
func Echo(env envmap.Env) error {
	v, _ := env.Get("websocket.Accept")
	accept, there := v.(envmap.Upgrade)
	if !there {
		return env.Reply(426).Text("want a WebSocket\n")
	}
	return accept(map[string]any{"websocket.SubProtocol": "echo"}, func(now map[string]any) error {
		send, receive := now["websocket.SendAsync"].(envsocket.Send), now["websocket.ReceiveAsync"].(envsocket.Receive)
		ctx := now["websocket.CallCancelled"].(context.Context)
		buffer := make([]byte, 4000)
		for {
			kind, end, n, err := receive(ctx, buffer)
			if err != nil || kind == envsocket.Closed {
				return err
			}
			if err := send(ctx, buffer[:n], kind, end); err != nil {
				return err
			}
		}
	})
}
