package approutes

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestEchoOnNetHTTP: bodies beyond what net/http reads ahead come back whole, and a chunked one comes back while it is
// still being sent.
func TestEchoOnNetHTTP(t *testing.T) {
	server := httptest.NewServer(Handler(Options{}))
	defer server.Close()

	for _, size := range []int{100, 2048, 2049, 1 << 20} {
		body := bytes.Repeat([]byte("e"), size)
		answer, err := http.Post(server.URL+"/echo", "text/x-own", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !bytes.Equal(got, body) || answer.ContentLength != int64(size) {
			t.Errorf("%d bytes: %d came back, length %d, %v", size, len(got), answer.ContentLength, err)
		}
	}

	reader, writer := io.Pipe()
	answers := make(chan *http.Response, 1)
	go func() {
		answer, err := http.Post(server.URL+"/echo", "text/plain", reader)
		if err != nil {
			t.Error(err)
		}
		answers <- answer
	}()
	_, _ = io.WriteString(writer, "ping\n")
	answer := <-answers
	if answer == nil {
		return
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	if line, err := lines.ReadString('\n'); line != "ping\n" || err != nil {
		t.Errorf("first line: %q, %v", line, err)
	}
	_, _ = io.WriteString(writer, "pong\n")
	writer.Close()
	if rest, err := io.ReadAll(lines); string(rest) != "pong\n" || err != nil {
		t.Errorf("rest: %q, %v", rest, err)
	}
}

func TestPanicOnNetHTTPCutsTheConnection(t *testing.T) {
	server := httptest.NewUnstartedServer(Handler(Options{}))
	var text strings.Builder
	server.Config.ErrorLog = log.New(&text, "", 0)
	server.Start()
	if answer, err := http.Get(server.URL + "/panic"); err == nil {
		answer.Body.Close()
		t.Errorf("got %s", answer.Status)
	}
	server.Close()
	if !strings.Contains(text.String(), panicText) {
		t.Errorf("log: %q", text.String())
	}
}
