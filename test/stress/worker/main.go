// Command worker serves a stress run: it checks that each request is what its target says, and answers with what follows
// from it. At its end it writes what it has seen to standard output.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"ringway/bridge"
)

func main() {
	mode := flag.String("mode", "handler", "handler or env")
	dispatch := flag.String("dispatch", "auto", "auto, inline or pool")
	pool := flag.Int("pool", 2, "handlers of a pool")
	handlers := flag.Int("handlers", bridge.DefaultMaxHandlers, "handlers at once (auto)")
	spin := flag.Duration("spin", 0, "how long readers wait awake")
	release := flag.String("release", "stress", "name of the release")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	options := []bridge.Option{bridge.WithRelease(*release), bridge.WithMaxHandlers(*handlers), bridge.WithSpin(*spin)}
	switch *dispatch {
	case "inline":
		options = append(options, bridge.WithDispatch(bridge.Inline))
	case "pool":
		options = append(options, bridge.WithDispatch(bridge.Pool(*pool)))
	}
	s := newServer()
	serve := func() error { return bridge.Serve(ctx, s, options...) }
	if *mode == "env" {
		serve = func() error { return bridge.ServeEnv(ctx, s.app, options...) }
	}
	if err := serve(); err != nil {
		fmt.Fprintf(os.Stderr, "worker: %v\n", err)
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(s.tally()); err != nil {
		os.Exit(2)
	}
}
