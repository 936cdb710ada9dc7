package approutes

import (
	"net/http"

	"ringway/envmap"
	"ringway/envmap/envsocket"
)

// envWebSocket is /ws.
var envWebSocket = envsocket.Middleware(envsocket.Options{})(func(env envmap.Env) error {
	err := envsocket.Accept(env, "", func(s *envsocket.Socket) error {
		echoMessages(s.Context(), s.Conn())
		return nil
	})
	if err != nil {
		return env.Reply(http.StatusUpgradeRequired).Type(textType).Header("Upgrade", "websocket").Text("want a WebSocket\n")
	}
	return nil
})

func envOpaque(env envmap.Env) error {
	if env.Header("Upgrade") == upper {
		return env.Upgrade(nil, func(now map[string]any) error {
			stream := now[envmap.KeyOpaqueStream].(envmap.Stream)
			upperCase(stream, stream)
			return nil
		})
	}
	return env.Reply(http.StatusUpgradeRequired).Type(textType).Header("Upgrade", upper).Text(upperWanted)
}
