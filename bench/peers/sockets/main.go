// Command sockets serves upgraded connections for the benchmark: the same handlers on net/http (--listen) and as a worker of a
// gateway (without). /stream echoes bytes on a hijacked connection, /ws echoes messages of a WebSocket by gorilla/websocket.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/gorilla/websocket"

	"ringway/bridge"
)

func main() {
	address := flag.String("listen", "", "TCP `address`; empty: serve as a worker")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "sockets") })
	mux.HandleFunc("/stream", stream)
	mux.HandleFunc("/ws", messages)
	if err := serve(ctx, *address, mux); err != nil {
		fmt.Fprintln(os.Stderr, "sockets peer:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, address string, handler http.Handler) error {
	if address == "" {
		return bridge.Serve(ctx, handler, bridge.WithRelease("sockets"))
	}
	server := &http.Server{Addr: address, Handler: handler}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil // hijacked connections end with the process
	}
}

func stream(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Upgrade", "echo")
	w.Header().Set("Connection", "Upgrade")
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	go func() {
		defer conn.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := in.Read(buffer) // net/http may have read a byte already
			if err != nil {
				return
			}
			if _, err := conn.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
}

func messages(w http.ResponseWriter, r *http.Request) {
	conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	go func() {
		defer conn.Close()
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, message) != nil {
				return
			}
		}
	}()
}
