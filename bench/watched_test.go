package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestTheReaderReadsAndTellsFailures(t *testing.T) {
	var asked atomic.Int64
	answered := make(chan struct{}, 1)
	var status atomic.Int64
	status.Store(http.StatusOK)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		if asked.Add(1) == 3 {
			answered <- struct{}{}
		}
	}))
	defer server.Close()
	r := read(server.URL)
	<-answered
	if err := r.stop(0); err != nil || r.reads < 3 {
		t.Errorf("%d reads, %v", r.reads, err)
	}
	asked.Store(0)
	status.Store(http.StatusServiceUnavailable)
	r = read(server.URL)
	<-answered
	if err := r.stop(0); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("%v, want the status", err)
	}
}

func TestTooFewReadsAreAnError(t *testing.T) {
	r := &reader{ended: make(chan struct{})}
	if err := r.stop(1000 * time.Second); err == nil {
		t.Error("none of 100000 reads is fine")
	}
}

func TestPrintWatched(t *testing.T) {
	for cost, want := range map[float64]string{1: "within", 3: "beyond"} {
		var out strings.Builder
		printWatched(&out, "hello", []measurement{{PerSecond: 100}}, []measurement{{PerSecond: 100 - cost}})
		if !strings.Contains(out.String(), want) {
			t.Errorf("%v %%: %s, want %s", cost, out.String(), want)
		}
	}
}
