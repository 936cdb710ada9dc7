// Command worker serves the routes of the example worker, and some of its own:
//
//	/post?id=N&ms=M      appends the line N to the journal before anything else, waits M milliseconds, answers N
//	/again?id=N          whether it was given to a worker before, as JSON; appends N to the journal; with &wait the first time
//	                     answers nothing
//	/self                what it holds, as JSON
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
	file := flag.String("journal", os.DevNull, "file that POSTs are noted in")
	flag.Parse()
	if err := run(*mode == "env", *release, *file); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(2)
	}
}

func run(env bool, release, file string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var err error
	if journal, err = os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return err
	}
	release = cmp.Or(release, bridge.DefaultRelease())
	routes := approutes.Options{Release: release}
	if env {
		return bridge.ServeEnv(ctx, app(approutes.App(routes)), bridge.WithRelease(release))
	}
	return bridge.Serve(ctx, handler(approutes.Handler(routes)), bridge.WithRelease(release))
}

func note(id string) error {
	_, err := journal.WriteString(id + "\n")
	return err
}
