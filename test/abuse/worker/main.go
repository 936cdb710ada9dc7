// Command worker serves the routes of the example worker, and tells at /self what it holds.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"ringway/bridge"
	"ringway/internal/approutes"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	routes := http.NewServeMux()
	routes.HandleFunc("/self", tell)
	routes.Handle("/", approutes.Handler(approutes.Options{Release: "abuse"}))
	if err := bridge.Serve(ctx, routes, bridge.WithRelease("abuse")); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(2)
	}
}

func tell(w http.ResponseWriter, _ *http.Request) {
	debug.FreeOSMemory() // collects
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"pid": os.Getpid(), "goroutines": runtime.NumGoroutine(), "heap": m.HeapAlloc,
	})
}
