// Command broken is a worker that is broken in the way that --how names. It answers /headers, if it lives, if --probe is given.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ringway/bridge"
)

// ways are what happens to each request.
var ways = map[string]func(){
	"panic": func() { panic("broken") },
	"die": func() {
		time.Sleep(5 * time.Millisecond) // others are in handlers, too
		os.Exit(3)
	},
	"last": func() { time.Sleep(time.Hour) },
}

func main() {
	how := flag.String("how", "panic", "panic or die on each request; last: die after a while")
	probe := flag.Bool("probe", false, "answer /headers well")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if *how == "last" {
		time.AfterFunc(400*time.Millisecond, func() { os.Exit(4) })
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/headers" || !*probe {
			ways[*how]()
		}
	})
	if err := bridge.Serve(ctx, handler, bridge.WithRelease("broken")); err != nil {
		fmt.Fprintln(os.Stderr, "broken:", err)
		os.Exit(1)
	}
}
