// Command fasthttp is the fasthttp peer of the benchmark: the routes that are measured, written for fasthttp.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/valyala/fasthttp"
)

// chunk is what /bytes writes at once, as the net/http routes do.
var chunk = bytes.Repeat([]byte("x"), 64<<10)

// greeting is what /json answers with, as the net/http routes do.
type greeting struct {
	Message string `json:"message"`
	Count   int    `json:"count"`
	Ready   bool   `json:"ready"`
}

func handle(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case "/":
		ctx.SetContentType("text/plain")
		ctx.SetBodyString("Hello, World!")
	case "/json":
		ctx.SetContentType("application/json")
		encoded, err := json.Marshal(greeting{Message: "Hello, World!", Count: 13, Ready: true})
		if err != nil {
			ctx.SetStatusCode(fasthttp.StatusInternalServerError)
			return
		}
		ctx.SetBody(encoded)
	case "/bytes":
		n, err := ctx.QueryArgs().GetUint("n")
		if err != nil {
			ctx.SetStatusCode(fasthttp.StatusBadRequest)
			return
		}
		ctx.SetContentType("application/octet-stream")
		for n > 0 {
			piece := min(n, len(chunk))
			ctx.Response.AppendBody(chunk[:piece])
			n -= piece
		}
	case "/echo":
		ctx.SetContentTypeBytes(ctx.Request.Header.ContentType())
		ctx.SetBody(ctx.PostBody())
	default:
		ctx.SetStatusCode(fasthttp.StatusNotFound)
	}
}

func main() {
	address := flag.String("listen", "127.0.0.1:0", "TCP `address` to listen on")
	flag.Parse()
	if err := fasthttp.ListenAndServe(*address, handle); err != nil {
		fmt.Fprintln(os.Stderr, "fasthttp peer:", err)
		os.Exit(1)
	}
}
