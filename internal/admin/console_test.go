package admin

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestConsoleFiles: they are there for everybody, with a policy that nothing foreign gets past, and the API stays closed.
func TestConsoleFiles(t *testing.T) {
	closed := guard{token: testToken, own: "admin.example"}.around(Handler(fakeHost{}))
	ask := func(method, path string, fields ...string) *httptest.ResponseRecorder {
		request := httptest.NewRequest(method, path, nil)
		request.Host = "127.0.0.1:9180"
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			request.Header.Set(name, value)
		}
		recorder := httptest.NewRecorder()
		closed.ServeHTTP(recorder, request)
		return recorder
	}
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/console/console.js": "text/javascript; charset=utf-8", "/console/base.css": "text/css; charset=utf-8",
		"/console/mark.svg": "image/svg+xml",
	} {
		answer := ask("GET", path)
		header := answer.Header()
		if answer.Code != 200 || header.Get("Content-Type") != kind || header.Get("Cache-Control") != "no-cache" || answer.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, answer.Code, header)
		}
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, part) || strings.Contains(policy, "unsafe") {
				t.Errorf("%s: policy %q, want %s", path, policy, part)
			}
		}
		if again := ask("GET", path, "If-None-Match: "+header.Get("ETag")); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s, which is known: %d", path, again.Code)
		}
		if head := ask("HEAD", path); head.Code != 200 || head.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d", path, head.Code)
		}
	}
	for _, test := range []struct {
		name, method, path string
		fields             []string
		status             int
	}{
		{"an order at the page's path", "POST", "/", nil, 405},
		{"the API without a token", "GET", "/stats", nil, 401},
		{"no such file", "GET", "/console/nothing.js", nil, 401},
		{"the pattern as a path", "GET", "/%7B$%7D", nil, 401},
		{"a link of another site", "GET", "/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 200},
		{"a frame of another site", "GET", "/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		{"a link to the API", "GET", "/stats", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document", "Authorization: Bearer " + testToken}, 403},
		{"an asset for another site", "GET", "/console/console.js", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: script"}, 403},
	} {
		if answer := ask(test.method, test.path, test.fields...); answer.Code != test.status {
			t.Errorf("%s: %d, want %d", test.name, answer.Code, test.status)
		}
	}
}

// TestConsoleKeepsItsPolicy: what the policy would make fail in a browser is not written, and all that the page names is there.
func TestConsoleKeepsItsPolicy(t *testing.T) {
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)
	named := regexp.MustCompile(`(?:src|href)="(/[^"]*)"|from "\./([^"]+)"`)
	for pattern, name := range consolePaths {
		content, err := consoleFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := markup.Find(content); found != nil {
			t.Errorf("%s has %s: text goes in by textContent", name, found)
		}
		if found := inline.Find(content); pattern == consolePage && found != nil {
			t.Errorf("%s has %s, which its policy forbids", name, found)
		}
		for _, match := range named.FindAllStringSubmatch(string(content), -1) {
			path := match[1]
			if match[2] != "" {
				path = "/console/" + match[2]
			}
			if !ofConsole(path) {
				t.Errorf("%s names %s, which is not there", name, path)
			}
		}
		if len(content) > 15<<10 {
			t.Errorf("%s has %d bytes, expected files with one purpose", name, len(content))
		}
	}
}
