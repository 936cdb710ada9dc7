package envhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envhttp"
	"ringway/envmap/envtest"
	"ringway/internal/attempt"
)

// TestAttempt crosses in both directions, and no client can make it up.
func TestAttempt(t *testing.T) {
	for number, want := range [][]string{nil, {"1"}} {
		block := envtest.Request{Fields: []envmap.Field{{Name: "X-Ringway-Attempt", Value: "7"}, {Name: "x_ringway_attempt", Value: "8"}}}.Block()
		block[11] = byte(number)
		err := envmap.NewRunner(func(env envmap.Env) error {
			r := envhttp.Request(env)
			if got := r.Header[attempt.Header]; !slices.Equal(got, want) || len(r.Header) != len(want) {
				t.Errorf("attempt %d: %v, expected %v", number, r.Header, want)
			}
			return nil
		}).Run(envtest.NewExchangeOf(block))
		if err != nil {
			t.Error(err)
		}

		r := httptest.NewRequest("GET", "/", nil).WithContext(context.WithValue(t.Context(), attempt.Key{}, uint8(number)))
		r.Header.Set(attempt.Header, "7")
		envhttp.Handler(func(env envmap.Env) error {
			if got, _ := env.Get(envmap.KeyAttempt); got != number {
				t.Errorf("attempt %v, expected %d", got, number)
			}
			return nil
		}).ServeHTTP(httptest.NewRecorder(), r)
	}
	envhttp.Handler(func(env envmap.Env) error {
		if got, _ := env.Get(envmap.KeyAttempt); got != 0 {
			t.Errorf("attempt %v behind another server, expected 0", got)
		}
		return nil
	}).ServeHTTP(httptest.NewRecorder(), &http.Request{Method: "GET", URL: httptest.NewRequest("GET", "/", nil).URL, Header: http.Header{attempt.Header: {"1"}}, ProtoMajor: 1, ProtoMinor: 1})
}
