// Command growing is a worker that keeps some memory for every request.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"ringway/bridge"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var mu sync.Mutex
	var kept [][]byte
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		kept = append(kept, bytes.Repeat([]byte{1}, 64<<10))
		mu.Unlock()
		_, _ = io.WriteString(w, "Hello, World!")
	})
	if err := bridge.Serve(ctx, handler, bridge.WithRelease("growing")); err != nil {
		fmt.Fprintln(os.Stderr, "growing:", err)
		os.Exit(1)
	}
}
