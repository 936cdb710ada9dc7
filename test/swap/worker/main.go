// Command worker serves the routes of the example worker, and some of its own:
//
//	/post?id=N&ms=M      appends the line N to the journal before anything else, waits M milliseconds, answers N
//	/again?id=N          whether it was given to a worker before, as JSON; appends N to the journal; with &wait the first time
//	                     answers nothing
//	/named?id=N&n=M      M bytes of lines N
//	/hold?id=N           appends the line "begun N", waits until it is cancelled, appends "cancelled N", answers N
//	/self                what it holds, as JSON
//
// USR1 makes it end its conversation with the gateway, and go on as if nothing were.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"ringway/bridge"
	"ringway/internal/approutes"
)

// journal is the file of what was begun: one write for each line, so that a death loses a whole line or none.
var journal *os.File

func main() {
	mode := flag.String("mode", "handler", "handler or env")
	release := flag.String("release", "", "name of the build")
	pool := flag.Int("pool", 0, "handlers at once; 0: as many as the library lets run")
	file := flag.String("journal", os.DevNull, "file that POSTs are noted in")
	flag.Parse()
	if err := run(*mode == "env", *release, *file, *pool); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(2)
	}
}

func run(env bool, release, file string, pool int) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var err error
	if journal, err = os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return err
	}
	release = cmp.Or(release, bridge.DefaultRelease())
	options := []bridge.Option{bridge.WithRelease(release)}
	if pool > 0 {
		options = append(options, bridge.WithDispatch(bridge.Pool(pool)))
	}
	go hangUp()
	routes := approutes.Options{Release: release}
	if env {
		return bridge.ServeEnv(ctx, app(approutes.App(routes)), options...)
	}
	return bridge.Serve(ctx, handler(approutes.Handler(routes)), options...)
}

func note(id string) error {
	_, err := journal.WriteString(id + "\n")
	return err
}

func hangUp() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	for range signals {
		for fd := range 64 {
			if kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err == nil && kind == syscall.SOCK_SEQPACKET {
				_ = syscall.Shutdown(fd, syscall.SHUT_RDWR)
			}
		}
	}
}
