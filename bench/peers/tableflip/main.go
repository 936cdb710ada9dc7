// Command tableflip is the benchmark's peer that hands its listener over: the routes of the example worker on net/http, replaced as
// github.com/cloudflare/tableflip's documentation shows it. HUP starts its successor, TERM ends it in order.
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

	"github.com/cloudflare/tableflip"

	"ringway/internal/approutes"
)

func main() {
	address := flag.String("listen", "127.0.0.1:0", "TCP `address`")
	pid := flag.String("pid-file", "", "`file` that gets the pid of the process that serves")
	flag.Parse()
	if err := serve(*address, *pid); err != nil {
		fmt.Fprintln(os.Stderr, "tableflip peer:", err)
		os.Exit(1)
	}
}

// shutdownLimit is how long requests under way may take when the process is replaced.
const shutdownLimit = 30 * time.Second

func serve(address, pidFile string) error {
	upgrader, err := tableflip.New(tableflip.Options{PIDFile: pidFile})
	if err != nil {
		return err
	}
	defer upgrader.Stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				upgrader.Stop()
			} else if err := upgrader.Upgrade(); err != nil {
				fmt.Fprintln(os.Stderr, "tableflip peer: upgrade:", err)
			}
		}
	}()
	listener, err := upgrader.Fds.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: approutes.Handler(approutes.Options{Release: "r0"})}
	fmt.Printf("ready %d %d\n", os.Getpid(), time.Now().UnixNano())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if err := upgrader.Ready(); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-upgrader.Exit():
	}
	limited, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	return server.Shutdown(limited)
}
