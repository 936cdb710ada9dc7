package owin

import (
	"bytes"
	"context"
	"testing"

	"github.com/coder/websocket"

	"ringway/test/e2e/system"
)

// TestWebSocketBehindGateway: websocket.Accept works through a real gateway, with messages of any size, and the close of
// either side arrives.
func TestWebSocketBehindGateway(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{})
	system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, workerProgram)
	g.WaitReady(1)
	ctx, cancel := context.WithTimeout(t.Context(), 2*system.Patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+g.Addr+"/websocket", &websocket.DialOptions{Subprotocols: []string{"echo"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(-1)
	if c.Subprotocol() != "echo" {
		t.Errorf("sub-protocol %q", c.Subprotocol())
	}
	for _, size := range []int{0, 1, 3999, 4000, 4001, 65_535, 65_536, 1 << 20} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			message := bytes.Repeat([]byte("x"), size)
			sent := make(chan error, 1)
			go func() { sent <- c.Write(ctx, kind, message) }()
			got, back, err := c.Read(ctx)
			if err != nil || got != kind || !bytes.Equal(back, message) {
				t.Fatalf("%d bytes of %v: %v, %d bytes, %v", size, kind, got, len(back), err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, "enough"); err != nil {
		t.Errorf("close: %v", err)
	}
	g.WaitIdle()
	g.Stop()
}
