package envmap_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// TestMap: a prefix matches whole segments of the decoded path.
func TestMap(t *testing.T) {
	for _, c := range []struct{ prefix, target, base, path string }{
		{"", "/", "", "/"},
		{"/", "/a", "", "/a"},
		{"", "*", "", "*"},
		{"/pathBase", "/pathBase", "/pathBase", ""},
		{"/pathBase", "/pathBase/", "/pathBase", "/"},
		{"/pathBase/", "/pathBase/path?query", "/pathBase", "/path"},
		{"/pathBase", "/pathbase/path", "", ""},
		{"/path", "/pathA/path", "", ""},
		{"/path", "/pathA", "", ""},
		{"/path", "/", "", ""},
		{"/path", "*", "", ""},
		{"/a/b", "/a/b/c", "/a/b", "/c"},
		{"/a/b", "/a%2Fb/c", "/a/b", "/c"},
		{"/a", "/a%2Fb", "/a", "/b"},
		{"/a", "/a%00/b", "", ""},
		{"/a", "/a/%00", "/a", "/\x00"},
		{"/a", "//a/b", "", ""},
		{"/a", "/a//b", "/a", "//b"},
		{"/a", "/x/../a", "", ""},
		{"/a", "/a/../x", "/a", "/../x"},
		{"/a", `/a\b`, "", ""},
		{`/a\b`, `/a\b/c`, `/a\b`, "/c"},
		{"/caf\u00e9", "/caf%C3%A9/x", "/caf\u00e9", "/x"},
	} {
		mapped := func(env envmap.Env) error {
			equal(t, c.target+": base", env.PathBase(), c.base)
			equal(t, c.target+": path", env.Path(), c.path)
			if b := env.PathBase(); b != "" && (b[0] != '/' || strings.HasSuffix(b, "/")) {
				t.Errorf("%s: PathBase %q", c.target, b)
			}
			return env.Reply(200).Text("mapped")
		}
		app, err := envmap.NewBuilder(nil).Map(c.prefix, mapped).Run(nil)
		if err != nil {
			t.Fatal(err)
		}
		x, err := envtest.Do(app, envtest.Request{Target: c.target})
		want := 200
		if c.base+c.path == "" {
			want = 404
		}
		if err != nil || x.Status != want {
			t.Errorf("%q of %q: %d, %v, want %d", c.prefix, c.target, x.Status, err, want)
		}
	}
}

// TestMapNested: bases add up, and what is outside sees its own values again, whatever the App did.
func TestMapNested(t *testing.T) {
	own := errors.New("own")
	inner, err := envmap.NewBuilder(nil).Map("/v1", func(env envmap.Env) error {
		equal(t, "base", env.PathBase(), "/api/v1")
		equal(t, "path", env.Path(), "/x")
		if env.Query() == "panic" {
			panic(own)
		}
		return own
	}).Run(nil)
	if err != nil {
		t.Fatal(err)
	}
	outside := func(next envmap.App) envmap.App {
		return func(env envmap.Env) error {
			defer func() {
				equal(t, "base afterwards", env.PathBase(), "")
				equal(t, "path afterwards", env.Path(), "/api/v1/x")
			}()
			return next(env)
		}
	}
	app, err := envmap.NewBuilder(nil).Use(outside).Map("/api", inner).Run(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/api/v1/x", "/api/v1/x?panic"} {
		if _, err := envtest.Do(app, envtest.Request{Target: target}); !errors.Is(err, own) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestBuilder(t *testing.T) {
	var order []string
	note := func(name string) envmap.Middleware {
		return func(next envmap.App) envmap.App {
			return func(env envmap.Env) error {
				order = append(order, name)
				return next(env)
			}
		}
	}
	app, err := envmap.NewBuilder(nil).Use(note("a"), note("b")).Use(note("c")).Run(func(envmap.Env) error { return io.EOF })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := envtest.Do(app, envtest.Request{}); err != io.EOF || strings.Join(order, "") != "abc" {
		t.Errorf("%v, order %v", err, order)
	}
	if app, err = envmap.NewBuilder(nil).Map("api", nil).Run(nil); err == nil || app != nil || !strings.Contains(err.Error(), `"api"`) {
		t.Errorf("a prefix without a slash: %v", err)
	}
}
