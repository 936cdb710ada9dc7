package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTooFewReadsAreAnError(t *testing.T) {
	if err := enough(wrkResult{Requests: 100}, time.Second); err != nil {
		t.Error(err)
	}
	for _, bad := range []wrkResult{{Requests: 49}, {Requests: 100, Status: 1}} {
		if err := enough(bad, time.Second); err == nil {
			t.Errorf("%+v in a second is fine", bad)
		}
	}
}

func TestRequestsOf(t *testing.T) {
	answer := `[{"index": 0, "requests": 40}, {"index": 1, "requests": 2}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, answer) }))
	defer server.Close()
	if n, err := requestsOf(server.URL); err != nil || n != 42 {
		t.Errorf("%d, %v, want 42", n, err)
	}
	answer = `{"code": "unavailable"}`
	if n, err := requestsOf(server.URL); err == nil {
		t.Errorf("%d of an error", n)
	}
}

func TestPrintWatched(t *testing.T) {
	for cost, want := range map[int64]string{1: "within", 3: "beyond"} {
		one := func(requests int64) half { return half{requests: requests, took: time.Second, cpu: time.Millisecond} }
		var out strings.Builder
		// The second pair is an outlier.
		printWatched(&out, "hello", []pair{{one(100 - cost), one(100)}, {one(50), one(100)}, {one(100 - cost), one(100)}})
		if !strings.Contains(out.String(), want) || !strings.Contains(out.String(), fmt.Sprintf("-%d.0 %%", cost)) {
			t.Errorf("%v %%: %s, want %s", cost, out.String(), want)
		}
	}
}
