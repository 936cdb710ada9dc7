package envmap

// Keys of the SendFile extension 0.3. Version and Support are capabilities (see KeyCapabilities); Support is itself a
// map[string]any, which has Concurrency.
const (
	KeySendFileVersion     = "sendfile.Version"     // string: "1.0"
	KeySendFileSupport     = "sendfile.Support"     // map[string]any
	KeySendFileConcurrency = "sendfile.Concurrency" // string: "None": calls wait for each other
	KeySendFileAsync       = "sendfile.SendAsync"   // SendFile
)

// Keys of the Opaque Stream extension 0.3. Upgrade is in the environment of a request that asks for an upgrade; Stream
// and CallCancelled are in the new environment that the callback gets. Version is in it, too, and a capability.
const (
	KeyOpaqueVersion       = "opaque.Version"       // string: "1.0"
	KeyOpaqueUpgrade       = "opaque.Upgrade"       // Upgrade
	KeyOpaqueStream        = "opaque.Stream"        // Stream
	KeyOpaqueCallCancelled = "opaque.CallCancelled" // context.Context
)

// Keys of the WebSocket extension 0.4, which package ringway/envmap/envsocket provides. Accept is in the environment of a request that
// asks for a WebSocket; SubProtocol is in its parameters; Version is a capability and in the new environment, as are the
// others.
const (
	KeyWebSocketVersion                = "websocket.Version"                // string: "1.0"
	KeyWebSocketAccept                 = "websocket.Accept"                 // Upgrade
	KeyWebSocketSubProtocol            = "websocket.SubProtocol"            // string
	KeyWebSocketSendAsync              = "websocket.SendAsync"              // envsocket.Send
	KeyWebSocketReceiveAsync           = "websocket.ReceiveAsync"           // envsocket.Receive
	KeyWebSocketCloseAsync             = "websocket.CloseAsync"             // envsocket.Close
	KeyWebSocketCallCancelled          = "websocket.CallCancelled"          // context.Context
	KeyWebSocketClientCloseStatus      = "websocket.ClientCloseStatus"      // int; absent until the client closes
	KeyWebSocketClientCloseDescription = "websocket.ClientCloseDescription" // string; absent until the client closes
)
