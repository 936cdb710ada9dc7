package envmap_test

import (
	"context"
	"io"
	"net/netip"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

func TestRequestValues(t *testing.T) {
	r := typical
	r.Body, r.Length = strings.NewReader("body"), 4
	r.Method = "PROPFIND"
	inside(t, r, func(env envmap.Env) {
		for key, want := range map[string]any{
			envmap.KeyRequestMethod:      "PROPFIND",
			envmap.KeyRequestPath:        "/café/list",
			envmap.KeyRequestPathBase:    "",
			envmap.KeyRequestQueryString: "sort=name&dir=%20up",
			envmap.KeyRequestScheme:      "http",
			envmap.KeyRequestProtocol:    "HTTP/1.1",
			envmap.KeyVersion:            "1.0",
			envmap.KeyRemoteIPAddress:    "192.0.2.1",
			envmap.KeyRemotePort:         "40000",
			envmap.KeyLocalIPAddress:     "192.0.2.2",
			envmap.KeyLocalPort:          "80",
			envmap.KeyIsLocal:            false,
			envmap.KeyAttempt:            0,
			envmap.KeyResponseStatusCode: 200,
		} {
			got, ok := env.Get(key)
			if !ok || got != want {
				t.Errorf("%s = %#v, %v, want %#v", key, got, ok, want)
			}
		}
		equal(t, "Method", env.Method(), "PROPFIND")
		equal(t, "MethodBytes", string(env.MethodBytes()), "PROPFIND")
		equal(t, "Path", env.Path(), "/café/list")
		equal(t, "PathBytes", string(env.PathBytes()), "/café/list")
		equal(t, "PathBase", env.PathBase(), "")
		equal(t, "Query", env.Query(), "sort=name&dir=%20up")
		equal(t, "QueryBytes", string(env.QueryBytes()), "sort=name&dir=%20up")
		equal(t, "Scheme", env.Scheme(), "http")
		equal(t, "Protocol", env.Protocol(), "HTTP/1.1")
		equal(t, "RemoteIP", env.RemoteIP(), "192.0.2.1")
		equal(t, "ContentLength", env.ContentLength(), 4)
		body, err := io.ReadAll(env.Body())
		if string(body) != "body" || err != nil {
			t.Errorf("body = %q, %v", body, err)
		}
		for key, ok := range map[string]bool{
			envmap.KeyRequestHeaders:  is[envmap.Headers](env, envmap.KeyRequestHeaders),
			envmap.KeyResponseHeaders: is[envmap.Headers](env, envmap.KeyResponseHeaders),
			envmap.KeyRequestBody:     is[io.Reader](env, envmap.KeyRequestBody),
			envmap.KeyResponseBody:    is[io.Writer](env, envmap.KeyResponseBody),
			envmap.KeyCallCancelled:   is[context.Context](env, envmap.KeyCallCancelled),
		} {
			if !ok {
				t.Errorf("%s has another type", key)
			}
		}
	})
}

func is[T any](env envmap.Env, key string) bool {
	v, _ := env.Get(key)
	_, ok := v.(T)
	return ok
}

func TestPathIsDecodedOnceAndOtherwiseLeftAlone(t *testing.T) {
	for target, want := range map[string]string{
		"/":                       "/",
		"/plain":                  "/plain",
		"/a%20b":                  "/a b",
		"/a+b":                    "/a+b",
		"/a%2Fb":                  "/a/b",
		"/a%2fb":                  "/a/b",
		"/%2525":                  "/%25",
		"/%00":                    "/\x00",
		"/%zz%4":                  "/%zz%4",
		"/%":                      "/%",
		"//a//b":                  "//a//b",
		"/a/../b/./c":             "/a/../b/./c",
		`/a\b`:                    `/a\b`,
		"*":                       "*",
		"http://h.example/x?y":    "/x",
		"http://h.example":        "/",
		"/%F0%9F%9A%83/%E2%82%AC": "/🚃/€",
	} {
		inside(t, envtest.Request{Target: target}, func(env envmap.Env) {
			first, view := env.Path(), string(env.PathBytes())
			equal(t, "Path of "+target, first, want)
			equal(t, "PathBytes of "+target, view, want)
			equal(t, "PathBytes again", string(env.PathBytes()), want)
		})
	}
}

func TestProtocolAndScheme(t *testing.T) {
	inside(t, envtest.Request{Old: true, HTTPS: true}, func(env envmap.Env) {
		equal(t, "Protocol", env.Protocol(), "HTTP/1.0")
		equal(t, "Scheme", env.Scheme(), "https")
	})
	for version, want := range map[byte]string{0x20: "HTTP/2", 0x12: "HTTP/1.2"} {
		block := envtest.Request{}.Block()
		block[7] = version
		err := envmap.NewRunner(func(env envmap.Env) error {
			equal(t, "Protocol", env.Protocol(), want)
			return nil
		}).Run(envtest.NewExchangeOf(block))
		if err != nil {
			t.Error(err)
		}
	}
}

func TestAttempt(t *testing.T) {
	block := envtest.Request{}.Block()
	block[11] = 1
	err := envmap.NewRunner(func(env envmap.Env) error {
		if v, ok := env.Get(envmap.KeyAttempt); !ok || v != 1 {
			t.Errorf("%#v, %v, want 1", v, ok)
		}
		return nil
	}).Run(envtest.NewExchangeOf(block))
	if err != nil {
		t.Error(err)
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		remote, local string
		isLocal       bool
	}{
		{"127.0.0.1:1", "127.0.0.1:2", true},
		{"[::1]:1", "[::1]:2", true},
		{"198.51.100.7:1", "198.51.100.7:2", true},
		{"[2001:db8::1]:1", "[2001:db8::2]:2", false},
	} {
		remote, local := netip.MustParseAddrPort(c.remote), netip.MustParseAddrPort(c.local)
		inside(t, envtest.Request{Remote: remote, Local: local}, func(env envmap.Env) {
			equal(t, "RemoteIP", env.RemoteIP(), remote.Addr().String())
			v, _ := env.Get(envmap.KeyIsLocal)
			equal(t, "IsLocal of "+c.remote, v.(bool), c.isLocal)
		})
	}
}

func TestUnixConnectionHasNoAddresses(t *testing.T) {
	inside(t, envtest.Request{Unix: true}, func(env envmap.Env) {
		for _, key := range []string{
			envmap.KeyRemoteIPAddress, envmap.KeyRemotePort, envmap.KeyLocalIPAddress, envmap.KeyLocalPort,
		} {
			if v, ok := env.Get(key); ok || env.Has(key) {
				t.Errorf("%s = %v", key, v)
			}
		}
		v, _ := env.Get(envmap.KeyIsLocal)
		equal(t, "IsLocal", v.(bool), true)
		equal(t, "RemoteIP", env.RemoteIP(), "")
		equal(t, "Host", env.Header("Host"), "")
		equal(t, "has Host", env.RequestHeaders().Has("Host"), false)
	})
}

// TestOnlyWhatIsTouchedIsDecoded counts: a value that was never asked for was never decoded.
func TestOnlyWhatIsTouchedIsDecoded(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		steps := []struct {
			what string
			do   func()
			want int // decoded by this step
		}{
			{"nothing", func() {}, 0},
			{"Has", func() { env.Has(envmap.KeyRequestPath) }, 0},
			{"Has of a header", func() { env.RequestHeaders().Has("accept") }, 0},
			{"Len", func() { env.Len() }, 0},
			{"Keys", func() {
				for range env.Keys() {
				}
			}, 0},
			{"the header dictionary", func() { env.Get(envmap.KeyRequestHeaders) }, 0},
			{"the bodies", func() { env.Get(envmap.KeyRequestBody); env.Get(envmap.KeyResponseBody) }, 0},
			{"constants", func() { env.Get(envmap.KeyVersion); env.PathBase() }, 0},
			{"a set value", func() { _ = env.Set(envmap.KeyRequestMethod, "PUT"); env.Method() }, 0},
			{"the path", func() { env.Path() }, 2}, // percent-decoding and the string
			{"the path again", func() { env.Path(); env.Get(envmap.KeyRequestPath); env.PathBytes() }, 0},
			{"the query", func() { env.Query() }, 1},
			{"one header", func() { env.HeaderBytes("accept") }, 1},
			{"two values", func() { env.RequestHeaders().Values("accept") }, 2},
		}
		for _, step := range steps {
			before := env.Decodes()
			step.do()
			equal(t, "decoded by "+step.what, env.Decodes()-before, step.want)
		}
	})
}
