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
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("approutes: %w", err)
	}
	go upperCase(buffered.Reader, conn) // which outlives this handler
	return nil
}

const upperWanted = "want Upgrade: " + upper + "\n"

// upperCase writes what it reads of a stream in upper case, and closes it at its end. Of a connection that was hijacked the
// first bytes may be in a buffer already.
func upperCase(from io.Reader, conn io.WriteCloser) {
	defer conn.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
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
