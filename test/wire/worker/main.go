// Command worker answers as the requests of the wire cases ask. native/test/wire_worker.h does the same in C.
//
// A target /answer?... is a script; its words, which may be repeated where the plural stands, are
//
//	read=all       read the request's body first
//	wait=N         N milliseconds later
//	inform=N       an interim answer, with the hints
//	hint=NAME:VALUE     fields of the interim answers
//	status=N       200 if not said
//	field=NAME:VALUE    fields, in this order
//	length=N       a Content-Length
//	body=TEXT      pieces of the body
//	flush=1        each piece is sent at once
//	trailer=NAME:VALUE  trailer fields
//	echo=1         with status=101: behind the pieces of the body the client gets its own bytes, up to their end
//	abort=1        the handler panics in the end
//	alone=1        the body says whether no other request with the same authority is under way
//	anyway=1       a body is sent also to HEAD (in C only)
//	raw=BYTES      added to the field list as it is (in C only)
//
// Any other target is answered with what the worker has seen of the request, one thing a line: method and target, then
// "authority A" if there is one, the fields with lower-case names, sorted, without Host and Trailer, then "body B" and
// the trailers as "trailer NAME: VALUE".
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"ringway/bridge"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := bridge.Serve(ctx, http.HandlerFunc(serve), bridge.WithRelease("r")); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// underWay counts requests by their authority.
var underWay struct {
	sync.Mutex
	count map[string]int
}

func note(authority string, change int) int {
	underWay.Lock()
	defer underWay.Unlock()
	if underWay.count == nil {
		underWay.count = map[string]int{}
	}
	underWay.count[authority] += change
	return underWay.count[authority]
}

func serve(w http.ResponseWriter, r *http.Request) {
	note(r.Host, 1)
	defer note(r.Host, -1)
	if r.URL.Path == "/answer" {
		w.Header()["Content-Type"] = nil // not to be guessed
		script(w, r, r.URL.Query())
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, seen(r, body))
}

func seen(r *http.Request, body []byte) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s\n", r.Method, r.RequestURI)
	if r.Host != "" {
		fmt.Fprintf(&text, "authority %s\n", r.Host)
	}
	list(&text, "", r.Header)
	if len(body) > 0 {
		fmt.Fprintf(&text, "body %s\n", body)
	}
	list(&text, "trailer ", r.Trailer)
	return text.String()
}

func list(text *strings.Builder, prefix string, header http.Header) {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	for _, name := range names {
		for _, value := range header[name] {
			fmt.Fprintf(text, "%s%s: %s\n", prefix, strings.ToLower(name), value)
		}
	}
}

func script(w http.ResponseWriter, r *http.Request, words url.Values) {
	if words.Get("read") != "" {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	time.Sleep(time.Duration(number(words.Get("wait"))) * time.Millisecond)
	for _, status := range words["inform"] {
		add(w.Header(), "", words["hint"])
		w.WriteHeader(number(status))
		clear(w.Header())
		w.Header()["Content-Type"] = nil
	}
	add(w.Header(), "", words["field"])
	if length := words.Get("length"); length != "" {
		w.Header().Set("Content-Length", length)
	}
	if status := words.Get("status"); status != "" {
		w.WriteHeader(number(status))
	}
	if words.Get("echo") != "" {
		echo(w, words["body"])
		return
	}
	for _, piece := range words["body"] {
		_, _ = io.WriteString(w, piece) // also more than was declared
		if words.Get("flush") != "" {
			_ = http.NewResponseController(w).Flush()
		}
	}
	if words.Get("alone") != "" {
		_, _ = io.WriteString(w, map[bool]string{true: "alone", false: "not alone"}[note(r.Host, 0) == 1])
	}
	add(w.Header(), http.TrailerPrefix, words["trailer"])
	if words.Get("abort") != "" {
		panic(http.ErrAbortHandler)
	}
}

func echo(w http.ResponseWriter, first []string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	for _, piece := range first {
		_, _ = io.WriteString(conn, piece)
	}
	_, _ = io.Copy(conn, conn)
}

func add(header http.Header, prefix string, fields []string) {
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ":")
		header[prefix+name] = append(header[prefix+name], value)
	}
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
