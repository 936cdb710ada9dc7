// Command nethttp is the net/http peer of the benchmark: the very handler that the example worker serves, on Go's own
// server. It listens on TCP, or on a unix socket as the peer behind a proxy, and ends in order on TERM.
//
// One route is its own: /echo. The routes' io.Copy ends in the server's ReadFrom, which sends the head and the first
// 512 bytes by themselves and costs this peer twice the time; a copy through a pooled buffer is the better opponent.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"ringway/internal/approutes"
)

func main() {
	address := flag.String("listen", "127.0.0.1:0", "TCP `address`, or unix:PATH")
	release := flag.String("release", "net/http", "`name` that /pid tells")
	files := flag.String("files", "", "`directory` of /file?name=")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *address, *release, *files); err != nil {
		fmt.Fprintln(os.Stderr, "net/http peer:", err)
		os.Exit(1)
	}
}

// shutdownLimit is how long requests under way may take at the end.
const shutdownLimit = 30 * time.Second

func serve(ctx context.Context, address, release, files string) error {
	network := "tcp"
	if path, found := strings.CutPrefix(address, "unix:"); found {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	options := approutes.Options{Release: release}
	if files != "" {
		root, err := os.OpenRoot(files)
		if err != nil {
			return err
		}
		defer func() { _ = root.Close() }() // the process ends
		options.Files = root
	}
	routes := approutes.Handler(options)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo" && r.ContentLength >= 0 {
			echo(w, r)
		} else {
			routes.ServeHTTP(w, r)
		}
	})}
	fmt.Printf("ready %d %d\n", os.Getpid(), time.Now().UnixNano())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.Background(), shutdownLimit)
	defer cancel()
	return server.Shutdown(limited)
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
