// Command worker serves upgraded connections:
//
//	/coder    a WebSocket of github.com/coder/websocket that echoes messages
//	/farewell closes such a WebSocket with 4123 and "that is all"
//	/gorilla  the same of github.com/gorilla/websocket, written with several frames for each message
//	/endless  a stream that is written without end; its count is /written
//	/written  bytes that /endless has written
//	/hold     a stream that is only read; why reading ended is the next answer of /ended
//	/late     a stream that is ended at once on this side, and read once /go is asked for; how many bytes came is the answer of /came
//	/proxy    passes requests on to /coder at the address in the query (to), by httputil.ReverseProxy
//	/pid      the process id
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"ringway/bridge"
)

const mostMessage = 64 << 20

var (
	written atomic.Int64
	ended   = make(chan error, 100_000)
	begin   = make(chan struct{}, 100_000)
	came    = make(chan string, 100_000)
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("/coder", byCoder)
	mux.HandleFunc("/farewell", farewell)
	mux.HandleFunc("/gorilla", byGorilla)
	mux.HandleFunc("/endless", endless)
	mux.HandleFunc("/hold", hold)
	mux.HandleFunc("/late", late)
	mux.HandleFunc("/go", func(w http.ResponseWriter, r *http.Request) { begin <- struct{}{} })
	mux.HandleFunc("/came", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, <-came) })
	mux.Handle("/proxy", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL = &url.URL{Scheme: "http", Host: r.In.URL.Query().Get("to"), Path: "/coder"}
	}})
	mux.HandleFunc("/written", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, written.Load()) })
	mux.HandleFunc("/ended", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, <-ended) })
	mux.HandleFunc("/pid", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, os.Getpid()) })
	release := "r1"
	if len(os.Args) > 1 {
		release = os.Args[1]
	}
	if err := bridge.Serve(ctx, mux, bridge.WithRelease(release)); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

func byCoder(w http.ResponseWriter, r *http.Request) {
	conn, err := coder.Accept(w, r, &coder.AcceptOptions{CompressionMode: coder.CompressionContextTakeover})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(mostMessage)
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

func farewell(w http.ResponseWriter, r *http.Request) {
	if conn, err := coder.Accept(w, r, nil); err == nil {
		_ = conn.Close(4123, "that is all") // the client's side of it is what is tested
	}
}

func byGorilla(w http.ResponseWriter, r *http.Request) {
	upgrader := gorilla.Upgrader{ReadBufferSize: 4096, WriteBufferSize: 1000, EnableCompression: true}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	go func() { // which outlives the handler
		defer conn.Close()
		for {
			kind, from, err := conn.NextReader()
			if err != nil {
				return
			}
			to, err := conn.NextWriter(kind)
			if err == nil {
				_, err = io.Copy(to, from)
			}
			if err != nil || to.Close() != nil {
				return
			}
		}
	}()
}

func stream(w http.ResponseWriter) net.Conn {
	w.Header().Set("Upgrade", "raw")
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}

func endless(w http.ResponseWriter, r *http.Request) {
	conn := stream(w)
	defer conn.Close()
	block := make([]byte, 16<<10)
	for {
		n, err := conn.Write(block)
		written.Add(int64(n))
		if err != nil {
			return
		}
	}
}

func hold(w http.ResponseWriter, r *http.Request) {
	conn := stream(w)
	go func() {
		defer conn.Close()
		_, err := io.Copy(io.Discard, conn)
		fmt.Fprintln(os.Stderr, "hold:", err)
		ended <- err
	}()
}

func late(w http.ResponseWriter, r *http.Request) {
	conn := stream(w)
	defer conn.Close()
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		came <- err.Error()
		return
	}
	<-begin
	n, err := io.Copy(io.Discard, conn)
	came <- fmt.Sprintf("%d bytes, %v", n, err)
}
