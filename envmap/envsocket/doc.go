// Package envsocket provides the WebSocket extension of OWIN (0.4) for environments: a middleware that puts
// "websocket.Accept" into those of requests that ask for a WebSocket. It is built on opaque.Upgrade and on
// github.com/coder/websocket, and works wherever opaque.Upgrade does.
//
//	b.Use(envsocket.Middleware(envsocket.Options{}))
//
//	func app(env envmap.Env) error {
//		return envsocket.Accept(env, "chat", func(s *envsocket.Socket) error {
//			...
//		})
//	}
//
// The callback runs after the App has returned, as that of opaque.Upgrade. When it returns without having closed, the
// WebSocket is closed with status 1000, or 1011 if it failed.
//
// # The environment of the callback
//
// websocket.Accept takes an envmap.UpgradeCallback, for which the new environment has the keys of the extension; Socket has
// the same as methods. How OWIN's delegates look here:
//
//	websocket.SendAsync      Send     Func<ArraySegment<byte>, int, bool, CancellationToken, Task>
//	websocket.ReceiveAsync   Receive  Func<ArraySegment<byte>, CancellationToken, Task<Tuple<int, bool, int>>>
//	websocket.CloseAsync     Close    Func<int, string, CancellationToken, Task>
//
// # Sending
//
// Frames may be sent from any goroutine. Send blocks while the client takes nothing, which is how a sender feels
// backpressure; a context with a deadline bounds that. One that ends while Send waits for another sender leaves the
// WebSocket as it is; one that ends within a frame closes it, because the frame would be torn.
package envsocket
