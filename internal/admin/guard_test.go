package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const testToken = "0123456789abcdef0123456789abcdef"

// TestGuard: requests that a browser sends for a page of somebody else never reach a handler, orders or not.
func TestGuard(t *testing.T) {
	open, closed := guard{local: true, own: "127.0.0.1"}, guard{token: testToken, own: "admin.example"}
	for _, test := range []struct {
		name   string
		guard  guard
		method string
		path   string
		host   string
		fields []string
		status int
		code   Code
	}{
		{"an address", open, "GET", "/stats", "127.0.0.1:9180", nil, 200, ""},
		{"another port", open, "GET", "/stats", "127.0.0.1:1", nil, 200, ""},
		{"IPv6", open, "GET", "/stats", "[::1]:9180", nil, 200, ""},
		{"localhost", open, "GET", "/stats", "LOCALHOST:9180", nil, 200, ""},
		{"no host, as by HTTP/1.0", open, "GET", "/stats", "", nil, 200, ""},
		{"a name that leads here", open, "GET", "/stats", "rebound.example:9180", nil, 421, CodeMisdirected},
		{"an order by that name", open, "POST", "/rollback", "rebound.example:9180", nil, 421, CodeMisdirected},
		{"the health by that name", open, "GET", "/healthz", "rebound.example", nil, 421, CodeMisdirected},
		{"the configured name", closed, "GET", "/healthz", "admin.example:9180", nil, 200, ""},
		{"any name with a token", closed, "GET", "/stats", "10.0.0.1.example", []string{"Authorization: Bearer " + testToken}, 200, ""},
		{"a page of its own", open, "POST", "/rollback", "127.0.0.1:9180", []string{"Origin: http://127.0.0.1:9180", "Sec-Fetch-Site: same-origin"}, 200, ""},
		{"typed by a person", open, "GET", "/stats", "127.0.0.1:9180", []string{"Sec-Fetch-Site: none"}, 200, ""},
		{"a page of another origin", open, "POST", "/rollback", "127.0.0.1:9180", []string{"Origin: http://elsewhere.example"}, 403, CodeForeign},
		{"a page of another port", open, "POST", "/rollback", "127.0.0.1:9180", []string{"Origin: http://127.0.0.1:8080"}, 403, CodeForeign},
		{"a page without an origin", open, "POST", "/rollback", "127.0.0.1:9180", []string{"Origin: null"}, 403, CodeForeign},
		{"a picture in a page", open, "GET", "/stats", "127.0.0.1:9180", []string{"Sec-Fetch-Site: cross-site"}, 403, CodeForeign},
		{"a page of a sibling", open, "GET", "/stats", "127.0.0.1:9180", []string{"Sec-Fetch-Site: same-site"}, 403, CodeForeign},
		{"no token", closed, "GET", "/stats", "127.0.0.1", nil, 401, CodeNoToken},
		{"another token", closed, "GET", "/stats", "127.0.0.1", []string{"Authorization: Bearer " + testToken + "x"}, 401, CodeNoToken},
		{"a part of the token", closed, "GET", "/stats", "127.0.0.1", []string{"Authorization: Bearer " + testToken[1:]}, 401, CodeNoToken},
		{"another scheme", closed, "GET", "/stats", "127.0.0.1", []string{"Authorization: Basic " + testToken}, 401, CodeNoToken},
		{"an order without a token", closed, "POST", "/rollback", "127.0.0.1", nil, 401, CodeNoToken},
		{"an unknown path without a token", closed, "GET", "/x", "127.0.0.1", nil, 401, CodeNoToken},
		{"health without a token", closed, "GET", "/readyz", "127.0.0.1", nil, 503, ""},
		{"a token from another page", closed, "POST", "/rollback", "127.0.0.1", []string{"Authorization: Bearer " + testToken, "Origin: http://x.example"}, 403, CodeForeign},
	} {
		t.Run(test.name, func(t *testing.T) {
			request := httptest.NewRequest(test.method, test.path, strings.NewReader("{}"))
			request.Host = test.host
			request.Header.Set("Content-Type", "application/json")
			for _, field := range test.fields {
				name, value, _ := strings.Cut(field, ": ")
				request.Header.Set(name, value)
			}
			recorder := httptest.NewRecorder()
			test.guard.around(Handler(fakeHost{})).ServeHTTP(recorder, request)
			if recorder.Code != test.status {
				t.Fatalf("status %d, want %d: %s", recorder.Code, test.status, recorder.Body)
			}
			if test.code == "" {
				return
			}
			var problem Problem
			if err := json.Unmarshal(recorder.Body.Bytes(), &problem); err != nil || problem.Code != test.code || problem.Status != test.status {
				t.Errorf("problem %+v (%v), want code %s", problem, err, test.code)
			}
			if kind := recorder.Header().Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("type %q", kind)
			}
			if (test.status == http.StatusUnauthorized) != (recorder.Header().Get("WWW-Authenticate") != "") {
				t.Error("WWW-Authenticate goes with 401 and only with it")
			}
		})
	}
}
