// Command broken is a worker that panics on every request.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"ringway/bridge"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") })
	if err := bridge.Serve(ctx, handler, bridge.WithRelease("broken")); err != nil {
		fmt.Fprintln(os.Stderr, "broken:", err)
		os.Exit(1)
	}
}
