// Command nethttp is the net/http peer of the benchmark: the very handler that the example worker serves, on Go's own
// server. It listens on TCP, or on a unix socket as the peer behind a proxy.
//
// One route is its own: /echo. The routes' io.Copy ends in the server's ReadFrom, which sends the head and the first
// 512 bytes by themselves and costs this peer twice the time; a copy through a pooled buffer is the better opponent.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

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
	routes := approutes.Handler(approutes.Options{Release: "net/http"})
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo" && r.ContentLength >= 0 {
			echo(w, r)
		} else {
			routes.ServeHTTP(w, r)
		}
	}))
}

var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// echo sends a body of known length back. net/http reads up to 2 KiB ahead, so that small ones need no full duplex.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	if r.ContentLength > 2048 {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, r.Body, buffer[:]); err != nil {
		panic(http.ErrAbortHandler)
	}
}
