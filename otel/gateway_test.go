package ringotel

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"ringway/bridge"
	"ringway/envmap"
)

// TestMain is a worker where the gateway has started it: its second argument says of which kind.
func TestMain(m *testing.M) {
	if os.Getenv("RINGWAY_SUPERVISED") != "1" {
		os.Exit(m.Run())
	}
	if err := work(os.Args[1] == "env"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// work answers /spans with the attributes of the spans so far, which are forgotten then, and other paths with nothing.
func work(env bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	exporter := tracetest.NewInMemoryExporter()
	opts := []Option{WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)))}
	spans := func() []byte {
		all := []map[attribute.Key]string{}
		for _, span := range exporter.GetSpans() {
			told := attributesOf(span)
			told["trace"], told["parent"] = span.SpanContext.TraceID().String(), span.Parent.SpanID().String()
			all = append(all, told)
		}
		exporter.Reset()
		text, _ := json.Marshal(all)
		return text
	}
	if env {
		return bridge.ServeEnv(ctx, Middleware(opts...)(func(env envmap.Env) error {
			if env.Path() != "/spans" {
				return nil
			}
			_, err := env.Write(spans())
			return err
		}), bridge.WithRelease("r7"))
	}
	return bridge.Serve(ctx, Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/spans" {
			_, _ = w.Write(spans())
		}
	}), opts...), bridge.WithRelease("r7"))
}

func build(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "gateway")
	build := exec.Command("go", "build", "-o", program, "./cmd/gateway")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "CGO_CFLAGS=-O2 -g")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// start starts a gateway with a worker of this test, and returns its URL.
func start(t *testing.T, program, kind string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "serve", "--listen", "127.0.0.1:0", "--admin", "off", "--socket", filepath.Join(t.TempDir(), "s"),
		"--loops", "1", "--worker", self, "--", kind)
	command.Stderr = t.Output()
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("the gateway: %v", err)
		}
	})
	url := ""
	for lines := bufio.NewScanner(out); url == "" && lines.Scan(); {
		url, _ = strings.CutPrefix(lines.Text(), "listening on ")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("the gateway listens on %q", url)
	}
	return url
}

// TestBehindAGateway: spans of a real worker have what only the gateway knows.
func TestBehindAGateway(t *testing.T) {
	program := build(t)
	for _, kind := range []string{"handler", "env"} {
		t.Run(kind, func(t *testing.T) {
			url := start(t, program, kind)
			ask := func(path string) []byte {
				t.Helper()
				request, err := http.NewRequest("GET", url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Traceparent", traceparent)
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				if err != nil || response.StatusCode != 200 {
					t.Fatalf("%s: status %d, %v", path, response.StatusCode, err)
				}
				return body
			}
			// The answer may be there before the span has ended: the handler does both, in this order.
			var spans []map[string]string
			ask("/a")
			for range 1000 {
				if err := json.Unmarshal(ask("/spans"), &spans); err != nil {
					t.Fatal(err)
				}
				if len(spans) > 0 {
					break
				}
			}
			if len(spans) == 0 {
				t.Fatal("no span")
			}
			span := spans[0]
			for key, want := range map[string]string{
				"url.path": "/a", "ringway.release": "r7", "ringway.worker": "1", "ringway.attempt": "0", "trace": parentTrace, "parent": parentSpan,
				"client.address": "127.0.0.1",
			} {
				if span[key] != want {
					t.Errorf("%s is %q, want %q", key, span[key], want)
				}
			}
			if waited, err := strconv.ParseFloat(span["ringway.queue.duration"], 64); err != nil || waited < 0 || waited > 60 {
				t.Errorf("queued for %q", span["ringway.queue.duration"])
			}
			if len(span["ringway.request_id"]) != 32 {
				t.Errorf("request id %q", span["ringway.request_id"])
			}
		})
	}
}
