package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// load is one kind of traffic.
type load struct {
	Name        string `json:"name"`
	Title       string `json:"title"` // as in the tables
	Method      string `json:"method"`
	Path        string `json:"path"`
	Connections int    `json:"connections"`
	Depth       int    `json:"depth"` // requests written at once on a connection
	Body        int    `json:"body"`  // request body bytes, a multiple of 16
	Answer      int    `json:"answer"`
	File        string `json:"file,omitempty"`     // asked for; only targets that are Go servers have it
	Drip        int    `json:"drip,omitempty"`     // connections beside that send one byte a second
	Pause       int    `json:"pause_ms,omitempty"` // between an answer and the next request

	Ours bool   `json:"ringway_only,omitempty"` // says nothing of others
	Like string `json:"like,omitempty"`         // the load of net/http direct that it is compared with, if not the same
}

var loads = []load{
	{Name: "hello", Title: "`/` 64 conns", Method: "GET", Path: "/", Connections: 64, Depth: 1, Answer: 13},
	{Name: "drip", Title: "`/` beside 2,000 slow clients", Method: "GET", Path: "/", Connections: 64, Depth: 1, Answer: 13, Drip: 2000, Ours: true, Like: "hello"},
	{Name: "json", Title: "JSON", Method: "GET", Path: "/json", Connections: 64, Depth: 1},
	{Name: "bytes-16k", Title: "16 KiB", Method: "GET", Path: "/bytes?n=16384", Connections: 64, Depth: 1, Answer: 16 << 10},
	{Name: "bytes-1m", Title: "1 MiB (16 conns)", Method: "GET", Path: "/bytes?n=1048576", Connections: 16, Depth: 1, Answer: 1 << 20},
	{Name: "bytes-1m-nocopy", Title: "1 MiB no copy (16 conns)", Method: "GET", Path: "/bytes?n=1048576&copy=none", Connections: 16, Depth: 1, Answer: 1 << 20, Ours: true, Like: "bytes-1m"},
	{Name: "file-1m", Title: "file of 1 MiB (16 conns)", Method: "GET", Path: "/file?name=1m", Connections: 16, Depth: 1, Answer: 1 << 20, File: "1m"},
	{Name: "file-1m-copied", Title: "the same through the ring", Method: "GET", Path: "/file?name=1m&copy=ring", Connections: 16, Depth: 1, Answer: 1 << 20, File: "1m", Ours: true, Like: "file-1m"},
	{Name: "file-16m", Title: "file of 16 MiB (4 conns)", Method: "GET", Path: "/file?name=16m", Connections: 4, Depth: 1, Answer: 16 << 20, File: "16m"},
	{Name: "file-16m-copied", Title: "the same through the ring", Method: "GET", Path: "/file?name=16m&copy=ring", Connections: 4, Depth: 1, Answer: 16 << 20, File: "16m", Ours: true, Like: "file-16m"},
	{Name: "echo-1k", Title: "echo 1 KiB", Method: "POST", Path: "/echo", Connections: 64, Depth: 1, Body: 1 << 10, Answer: 1 << 10},
	{Name: "echo-64k", Title: "echo 64 KiB", Method: "POST", Path: "/echo", Connections: 64, Depth: 1, Body: 64 << 10, Answer: 64 << 10},
	{Name: "one", Title: "1 conn", Method: "GET", Path: "/", Connections: 1, Depth: 1, Answer: 13},
	{Name: "pipelined", Title: "16 pipelined (64 conns)", Method: "GET", Path: "/", Connections: 64, Depth: 16, Answer: 13},
}

// base names the load of net/http direct that this one is compared with.
func (l load) base() string { return cmp.Or(l.Like, l.Name) }

// check sends one request of the load to base and fails unless the answer is what the load expects, so that a target
// that answers quickly but wrongly is not measured.
func (l load) check(base string) error {
	sent := []byte(strings.Repeat("0123456789abcdef", l.Body/16))
	request, err := http.NewRequest(l.Method, base+l.Path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	if l.Body > 0 {
		request.Header.Set("Content-Type", "application/octet-stream")
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("%s %s: status %d, expected 200", l.Method, l.Path, response.StatusCode)
	case l.Answer > 0 && len(got) != l.Answer:
		return fmt.Errorf("%s %s: %d bytes, expected %d", l.Method, l.Path, len(got), l.Answer)
	case l.Body > 0 && !bytes.Equal(got, sent):
		return fmt.Errorf("%s %s: the echo differs from what was sent", l.Method, l.Path)
	case len(got) == 0:
		return fmt.Errorf("%s %s: empty answer", l.Method, l.Path)
	}
	return nil
}

// on returns the load as it is sent to t: the natively answered target has a path and an answer of its own.
func (l load) on(t *target) load {
	if t.path != "" {
		l.Path, l.Answer = t.path, 4
	}
	return l
}
