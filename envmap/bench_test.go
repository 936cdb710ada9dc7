package envmap_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
	"ringway/ring"
)

func withFields(n int) envtest.Request {
	r := envtest.Request{Target: "/some/path?and=a&query=string"}
	for _, f := range []envmap.Field{
		{"Host", "example.org"}, {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"}, {"Accept", "text/html,*/*;q=0.8"},
		{"Accept-Language", "en"}, {"Accept-Encoding", "gzip, br"}, {"Cookie", "session=0123456789abcdef"},
		{"Cache-Control", "no-cache"}, {"Referer", "http://example.org/"}, {"Origin", "http://example.org"},
		{"X-Request-Id", "0123456789abcdef"},
	} {
		if len(r.Fields) < n {
			r.Fields = append(r.Fields, f)
		}
	}
	for len(r.Fields) < n {
		i := len(r.Fields)
		r.Fields = append(r.Fields, envmap.Field{Name: fmt.Sprintf("X-Field-%d", i), Value: "some value"})
	}
	return r
}

var counts = []int{3, 10, 30}

func each(b *testing.B, run func(b *testing.B, r envtest.Request)) {
	for _, n := range counts {
		b.Run(fmt.Sprint("fields=", n), func(b *testing.B) {
			b.ReportAllocs()
			run(b, withFields(n))
		})
	}
}

var total int

func benchmarkApp(b *testing.B, app envmap.App) {
	each(b, func(b *testing.B, r envtest.Request) {
		runner, x := envmap.NewRunner(app), newSink(r)
		for b.Loop() {
			if err := runner.Run(x); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEnv reads method, path, query and one header as borrowed views, and answers a small body.
func BenchmarkEnv(b *testing.B) {
	benchmarkApp(b, func(env envmap.Env) error {
		total += len(env.MethodBytes()) + len(env.PathBytes()) + len(env.QueryBytes()) + len(env.HeaderBytes("accept"))
		_ = env.SetHeader("Content-Type", "text/plain")
		_, err := env.WriteString("Hello, World!")
		return err
	})
}

// BenchmarkEnvStrings does the same with strings that may be kept.
func BenchmarkEnvStrings(b *testing.B) {
	benchmarkApp(b, func(env envmap.Env) error {
		total += len(env.Method()) + len(env.Path()) + len(env.Query()) + len(env.Header("accept"))
		_ = env.SetHeader("Content-Type", "text/plain")
		_, err := env.WriteString("Hello, World!")
		return err
	})
}

// BenchmarkEnvAll visits the whole dictionary and every field.
func BenchmarkEnvAll(b *testing.B) {
	benchmarkApp(b, func(env envmap.Env) error {
		for key := range env.All() {
			total += len(key)
		}
		for name, values := range env.RequestHeaders().All() {
			total += len(name) + len(values)
		}
		return nil
	})
}

// BenchmarkHTTPRequest builds a full http.Request from the same text, as net/http does, and reads the same values.
func BenchmarkHTTPRequest(b *testing.B) {
	each(b, func(b *testing.B, r envtest.Request) {
		var text strings.Builder
		fmt.Fprintf(&text, "GET %s HTTP/1.1\r\n", r.Target)
		for _, f := range r.Fields {
			fmt.Fprintf(&text, "%s: %s\r\n", f.Name, f.Value)
		}
		text.WriteString("\r\n")
		source := strings.NewReader(text.String())
		buffer := bufio.NewReader(source)
		for b.Loop() {
			source.Reset(text.String())
			buffer.Reset(source)
			q, err := http.ReadRequest(buffer)
			if err != nil {
				b.Fatal(err)
			}
			total += len(q.Method) + len(q.URL.Path) + len(q.URL.RawQuery) + len(q.Header.Get("Accept"))
		}
	})
}

// BenchmarkMap fills a map[string]any, headers included, from the same request block, as an eager OWIN server does, and
// reads the same values.
func BenchmarkMap(b *testing.B) {
	each(b, func(b *testing.B, r envtest.Request) {
		block := r.Block()
		for b.Loop() {
			q, err := ring.ParseRequest(block)
			if err != nil {
				b.Fatal(err)
			}
			headers := make(map[string][]string, q.FieldCount())
			for i := range q.FieldCount() {
				_, name, value := q.Field(i)
				key := http.CanonicalHeaderKey(string(name))
				headers[key] = append(headers[key], string(value))
			}
			env := map[string]any{
				envmap.KeyRequestMethod:      string(q.MethodName()),
				envmap.KeyRequestPath:        string(q.Path()),
				envmap.KeyRequestPathBase:    "",
				envmap.KeyRequestQueryString: string(q.Query()),
				envmap.KeyRequestScheme:      "http",
				envmap.KeyRequestProtocol:    "HTTP/1.1",
				envmap.KeyRequestHeaders:     headers,
				envmap.KeyRequestBody:        io.Reader(nil),
				envmap.KeyResponseStatusCode: 200,
				envmap.KeyResponseHeaders:    make(map[string][]string),
				envmap.KeyVersion:            envmap.Version,
				envmap.KeyRemoteIPAddress:    q.Remote().Addr().String(),
			}
			total += len(env[envmap.KeyRequestMethod].(string)) + len(env[envmap.KeyRequestPath].(string)) +
				len(env[envmap.KeyRequestQueryString].(string)) +
				len(env[envmap.KeyRequestHeaders].(map[string][]string)["Accept"][0])
		}
	})
}
