package envmap_test

import (
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// inside runs check as an App on a request, and fails the test if the exchange does not end well.
func inside(t *testing.T, r envtest.Request, check func(env envmap.Env)) *envtest.Exchange {
	t.Helper()
	x, err := envtest.Do(func(env envmap.Env) error {
		check(env)
		return nil
	}, r)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if !x.Clean() {
		t.Fatalf("the exchange was aborted: %v", x.Aborted)
	}
	return x
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

var typical = envtest.Request{
	Method: "GET",
	Target: "/caf%C3%A9/list?sort=name&dir=%20up",
	Fields: []envmap.Field{
		{"Host", "example.org:8080"},
		{"Accept", "text/html"},
		{"accept", "application/json;q=0.5, text/*"},
		{"User-Agent", "test"},
		{"X-Own", "1"},
		{"x-own", "2"},
		{"X-OWN", "3"},
	},
}
