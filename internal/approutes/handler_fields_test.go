package approutes

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
)

// ask sends one request to the handler, served by net/http.
func ask(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	server := httptest.NewServer(Handler(Options{}))
	t.Cleanup(server.Close)
	url, err := r.URL.Parse(server.URL + r.URL.RequestURI())
	if err != nil {
		t.Fatal(err)
	}
	r.URL, r.Host, r.RequestURI = url, "", ""
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func TestFile(t *testing.T) {
	all := strings.Repeat(patternAlphabet, 3)
	for _, test := range []struct {
		name, value string
		status      int
		body        string
	}{
		{"X-None", "", 200, all[:100]},
		{"Range", "bytes=60-69", 206, all[60:70]},
		{"Range", "bytes=-3", 206, all[97:100]},
		{"Range", "bytes=100-", 416, "invalid range: failed to overlap\n"},
		{"If-None-Match", `"pattern-100"`, 304, ""},
		{"If-Modified-Since", fileTime.Format(http.TimeFormat), 304, ""},
		{"If-Match", `"other"`, 412, ""},
	} {
		r := httptest.NewRequest("GET", "/file?n=100", nil)
		r.Header.Set(test.name, test.value)
		if answer, body := ask(t, r); answer.StatusCode != test.status || body != test.body {
			t.Errorf("%s %s: %s %q, want %d %q", test.name, test.value, answer.Status, body, test.status, test.body)
		}
	}
	if answer, body := ask(t, httptest.NewRequest("GET", "/file?n=-1", nil)); answer.StatusCode != 400 {
		t.Errorf("n=-1: %s %q", answer.Status, body)
	}
}

func TestTrailers(t *testing.T) {
	for _, sent := range []string{"", "some bytes"} {
		r := httptest.NewRequest("POST", "/trailers", io.MultiReader(strings.NewReader(sent)))
		r.Trailer = http.Header{"X-One": {"1"}, "X-Two": {"2", "3"}}
		answer, body := ask(t, r)
		sum := sha256.Sum256([]byte(sent))
		if body != sent || answer.Trailer.Get("X-Sha256") != hex.EncodeToString(sum[:]) {
			t.Errorf("%q: %q, trailers %v", sent, body, answer.Trailer)
		}
		if strings.Join(answer.Trailer["Back-X-Two"], " ") != "2 3" || answer.Trailer.Get("Back-X-One") != "1" {
			t.Errorf("%q: trailers %v", sent, answer.Trailer)
		}
	}
}

func TestHints(t *testing.T) {
	var link string
	r := httptest.NewRequest("GET", "/hints", nil)
	r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			if status == http.StatusEarlyHints {
				link = header.Get("Link")
			}
			return nil
		},
	}))
	answer, body := ask(t, r)
	if answer.StatusCode != 200 || body != helloText || answer.Header.Get("Link") != "" || !strings.Contains(link, "style.css") {
		t.Errorf("%s %q, Link %q, in 103 %q", answer.Status, body, answer.Header.Get("Link"), link)
	}
}
