package approutes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// mostMessage bounds what /ws echoes.
const mostMessage = 64 << 20

// upper is the protocol of /opaque: bytes come back in upper case, until the client ends its side.
const upper = "upper"

func webSocket(w http.ResponseWriter, r *http.Request) error {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return nil // it has answered
	}
	echoMessages(r.Context(), conn)
	return nil
}

// echoMessages sends messages back until the client closes.
func echoMessages(ctx context.Context, conn *websocket.Conn) {
	defer conn.CloseNow()
	conn.SetReadLimit(mostMessage)
	for {
		kind, from, err := conn.Reader(ctx)
		if err != nil {
			return
		}
		to, err := conn.Writer(ctx, kind)
		if err == nil {
			_, err = io.Copy(to, from)
		}
		if err != nil || to.Close() != nil {
			return
		}
	}
}

func opaque(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Upgrade", upper)
	if r.Header.Get("Upgrade") != upper {
		answerText(w, http.StatusUpgradeRequired, upperWanted)
		return nil
	}
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("approutes: %w", err)
	}
	go upperCase(conn) // which outlives this handler
	return nil
}

const upperWanted = "want Upgrade: " + upper + "\n"

// upperCase answers a stream with its bytes in upper case, and closes it at its end.
func upperCase(conn io.ReadWriteCloser) {
	defer conn.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := conn.Read(buffer)
		if n > 0 {
			if _, err := conn.Write(bytes.ToUpper(buffer[:n])); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
