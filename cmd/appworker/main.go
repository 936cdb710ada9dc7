// Command appworker is Ringway's example worker: it serves the routes of package approutes to a gateway, as an
// http.Handler or as an environment App.
//
// The environment's RINGWAY_SOCKET names the gateway's control socket. TERM and INT end it when its requests are done,
// with status 0. What keeps it from serving is told in one line on stderr, with status 2.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"ringway/bridge"
	"ringway/internal/approutes"
)

// version is set by the linker.
var version = "devel"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const (
	exitDone  = 0
	exitUsage = 2
)

func run(arguments []string, stdout, stderr io.Writer) int {
	s, err := parse(arguments)
	if err == errHelp {
		_, _ = io.WriteString(stdout, usage)
		return exitDone
	}
	if err == nil && s.version {
		_, _ = fmt.Fprintf(stdout, "appworker %s\n", version)
		return exitDone
	}
	if err != nil {
		complain(stderr, err)
		return exitUsage
	}
	// Both signals stay caught: a gateway that stops its workers sends TERM to one that a terminal already sent INT.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, s); err != nil {
		complain(stderr, err)
		return exitUsage
	}
	return exitDone
}

func complain(stderr io.Writer, err error) { _, _ = fmt.Fprintf(stderr, "appworker: %v\n", err) }

func serve(ctx context.Context, s settings) error {
	release := s.release
	if release == "" {
		release = bridge.DefaultRelease()
	}
	options := []bridge.Option{bridge.WithDispatch(s.dispatch), bridge.WithSpin(s.spin), bridge.WithRelease(release)}
	routes := approutes.Options{Release: release, Blocks: blocks}
	if s.files != "" {
		root, err := os.OpenRoot(s.files)
		if err != nil {
			return fmt.Errorf("--files: %w", err)
		}
		defer func() { _ = root.Close() }() // the process ends
		routes.Files = root
	}
	if s.env {
		return bridge.ServeEnv(ctx, approutes.App(routes), options...)
	}
	return bridge.Serve(ctx, approutes.Handler(routes), options...)
}
