package envmap_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

func TestResponseDefaults(t *testing.T) {
	x := inside(t, envtest.Request{}, func(envmap.Env) {})
	equal(t, "status", x.Status, 200)
	equal(t, "length", x.Length, 0)
	equal(t, "whole", x.Whole, true)
	equal(t, "fields", len(x.Fields), 0)
}

func TestResponseHead(t *testing.T) {
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		_ = env.SetStatus(299)
		_ = env.Set(envmap.KeyResponseReasonPhrase, "Odd")
		_ = env.SetHeader("X-A", "old")
		_ = env.AddHeader("x-a", "old too")
		_ = env.SetHeader("X-a", "1")
		_ = env.AddHeader("Set-Cookie", "a=1")
		_ = env.AddHeader("Set-Cookie", "b=2")
		v, _ := env.Get(envmap.KeyResponseStatusCode)
		equal(t, "status", v.(int), 299)
	})
	equal(t, "status", x.Status, 299)
	equal(t, "reason", x.Reason, "Odd")
	want := []envmap.Field{{"X-a", "1"}, {"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}}
	if !slices.Equal(x.Fields, want) {
		t.Errorf("fields = %v, want %v", x.Fields, want)
	}
}

func TestResponseStatusThroughTheDictionary(t *testing.T) {
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		_ = env.Set(envmap.KeyResponseStatusCode, "text")
		_ = env.SetStatus(201)
		_ = env.Set(envmap.KeyResponseStatusCode, 404)
	})
	equal(t, "status", x.Status, 404)
	x = inside(t, envtest.Request{}, func(env envmap.Env) {
		_ = env.Set(envmap.KeyResponseStatusCode, 404)
		_ = env.SetStatus(202)
	})
	equal(t, "status", x.Status, 202)
	x = inside(t, envtest.Request{}, func(env envmap.Env) {
		_ = env.SetStatus(202)
		env.Delete(envmap.KeyResponseStatusCode)
	})
	equal(t, "status", x.Status, 200)
}

// TestWhatNoResponseCanBeMadeOf: wrong values give a 500 and an error that names key and type or value.
func TestWhatNoResponseCanBeMadeOf(t *testing.T) {
	set := func(key string, value any) func(envmap.Env) {
		return func(env envmap.Env) { _ = env.Set(key, value) }
	}
	field := func(name, value string) func(envmap.Env) {
		return func(env envmap.Env) { _ = env.SetHeader(name, value) }
	}
	for _, c := range []struct {
		leave func(envmap.Env)
		names []string
	}{
		{set(envmap.KeyResponseStatusCode, "200"), []string{"owin.ResponseStatusCode", "string", "int"}},
		{set(envmap.KeyResponseStatusCode, 100), []string{"owin.ResponseStatusCode", "100"}},
		{func(env envmap.Env) { _ = env.SetStatus(199) }, []string{"owin.ResponseStatusCode", "199"}},
		{func(env envmap.Env) { _ = env.SetStatus(1000) }, []string{"1000"}},
		{set(envmap.KeyResponseReasonPhrase, 7), []string{"owin.ResponseReasonPhrase", "int", "string"}},
		{set(envmap.KeyResponseReasonPhrase, "a\r\nb"), []string{"owin.ResponseReasonPhrase", `"a\r\nb"`}},
		{set(envmap.KeyResponseReasonPhrase, "a\x01"), []string{"owin.ResponseReasonPhrase", `"a\x01"`, "control"}},
		{set(envmap.KeyResponseReasonPhrase, strings.Repeat("a", 129)), []string{"owin.ResponseReasonPhrase", "at most 128 bytes"}},
		{set(envmap.KeyResponseProtocol, 11), []string{"owin.ResponseProtocol", "int", "string"}},
		{set(envmap.KeyResponseHeaders, 7), []string{"owin.ResponseHeaders", "int"}},
		{set(envmap.KeyResponseHeaders, map[string]string{}), []string{"owin.ResponseHeaders", "map[string]string"}},
		{set(envmap.KeyResponseHeaders, http.Header{"A": nil}), []string{"owin.ResponseHeaders", `"A"`, "nil slice"}},
		{set(envmap.KeyResponseHeaders, http.Header{"A B": {"x"}}), []string{"owin.ResponseHeaders", `"A B"`}},
		{field("", "x"), []string{"owin.ResponseHeaders", "token"}},
		{field("a:", "x"), []string{`"a:"`}},
		{field("A", "x\r\nSet-Cookie: y"), []string{`"A"`, `\r\n`}},
		{field("A", "\x00"), []string{`"A"`, `\x00`}},
		{field("Content-Length", "-10"), []string{`"Content-Length"`, `"-10"`}},
		{field("content-length", "1x"), []string{`"1x"`}},
		{field("content-length", "+1"), []string{`"+1"`}},
		{field("content-length", strings.Repeat("9", 99)), []string{"999..."}},
		{func(env envmap.Env) {
			_ = env.SetHeader("Content-Length", "1")
			_ = env.AddHeader("Content-Length", "2")
		}, []string{`"Content-Length"`, `"2"`}},
	} {
		for _, write := range []bool{false, true} {
			x, err := envtest.Do(func(env envmap.Env) error {
				c.leave(env)
				if write {
					var value *envmap.ValueError
					if _, err := env.WriteString("x"); !errors.As(err, &value) {
						t.Errorf("write with %v: %v", c.names, err)
					}
					if _, err := env.Write([]byte("x")); err == nil {
						t.Error("the second write is accepted")
					}
				}
				return nil
			}, envtest.Request{})
			equal(t, "status", x.Status, 500)
			equal(t, "clean", x.Clean(), true)
			equal(t, "body", string(x.Body), "Internal Server Error\n")
			equal(t, "type", x.Header("content-type"), "text/plain; charset=utf-8")
			if err == nil {
				t.Errorf("no error names %v", c.names)
				continue
			}
			for _, name := range c.names {
				if !strings.Contains(err.Error(), name) {
					t.Errorf("%q does not contain %q", err, name)
				}
			}
		}
	}
}

func TestSealedByTheFirstWrite(t *testing.T) {
	for name, seal := range map[string]func(envmap.Env) error{
		"Write":   func(env envmap.Env) error { _, err := env.Write(nil); return err },
		"Flush":   (envmap.Env).Flush,
		"Reserve": func(env envmap.Env) error { _, err := env.Reserve(1); return err },
	} {
		x := inside(t, envtest.Request{}, func(env envmap.Env) {
			_ = env.SetStatus(201)
			_ = env.SetHeader("A", "b")
			if err := seal(env); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{
				"SetStatus": env.SetStatus(300),
				"SetHeader": env.SetHeader("A", "c"),
				"AddHeader": env.AddHeader("A", "c"),
				"Append":    env.ResponseHeaders().Append("A", "c"),
				"Clear":     env.ResponseHeaders().Clear(),
				"status":    env.Set(envmap.KeyResponseStatusCode, 300),
				"headers":   env.Set(envmap.KeyResponseHeaders, http.Header{}),
				"reason":    env.Add(envmap.KeyResponseReasonPhrase, "x"),
			} {
				if !errors.Is(err, envmap.ErrSealed) {
					t.Errorf("%s after %s: %v", what, name, err)
				}
			}
			equal(t, "Delete", env.Delete(envmap.KeyResponseStatusCode), false)
			equal(t, "Delete", env.ResponseHeaders().Delete("A"), false)
			env.Clear()
			equal(t, "the request can change", env.Set(envmap.KeyRequestPath, "/x"), nil)
		})
		equal(t, "status", x.Status, 201)
		equal(t, "A", x.Header("A"), "b")
	}
}
