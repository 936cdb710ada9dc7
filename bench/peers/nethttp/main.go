// Command nethttp is the net/http peer of the benchmark: the very handler that the example worker serves, on Go's own
// server. It listens on TCP, or on a unix socket as the peer behind a proxy.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"ringway/internal/approutes"
)

func main() {
	address := flag.String("listen", "127.0.0.1:0", "TCP `address`, or unix:PATH")
	flag.Parse()
	if err := serve(*address); err != nil {
		fmt.Fprintln(os.Stderr, "net/http peer:", err)
		os.Exit(1)
	}
}

func serve(address string) error {
	network := "tcp"
	if path, found := strings.CutPrefix(address, "unix:"); found {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	return http.Serve(listener, approutes.Handler(approutes.Options{Release: "net/http"}))
}
