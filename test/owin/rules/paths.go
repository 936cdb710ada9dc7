package rules

import (
	"fmt"

	"ringway/envmap"
)

const pathSection = "Paths"

// mapped is a case in which a prefix is mapped: base and path as the mapped App sees them; "" and "" if it does not.
func mapped(prefix, target, base, path string) Case {
	return Case{
		Name: fmt.Sprintf("map %q, ask %s", prefix, target),
		Send: "GET " + target + " HTTP/1.1\r\nHost: h\r\n%s\r\n",
		App: func(c *Check, env envmap.Env) error {
			var got [2]string
			inner := func(env envmap.Env) error {
				got = [2]string{env.PathBase(), env.Path()}
				return ok(env)
			}
			app, err := envmap.NewBuilder(nil).Map(prefix, inner).Run(ok)
			if err != nil {
				return err
			}
			before := env.PathBase() + "|" + env.Path()
			if err := app(env); err != nil {
				return err
			}
			Equal(c, "base and path", got, [2]string{base, path})
			Equal(c, "base and path afterwards", env.PathBase()+"|"+env.Path(), before)
			return nil
		},
	}
}

func decoded(target, path string) Case {
	return Case{
		Name: "ask " + target,
		Send: "GET " + target + " HTTP/1.1\r\nHost: h\r\n%s\r\n",
		App: func(c *Check, env envmap.Env) error {
			Equal(c, "path", env.Path(), path)
			Equal(c, "borrowed path", string(env.PathBytes()), path)
			return ok(env)
		},
	}
}

var pathRules = []Rule{
	{
		Section: pathSection, Clause: "OWIN 1.0, 5.3", Title: "Path and PathBase are percent-decoded (UTF-8), once; the query string is raw, without \"?\"",
		Cases: []Case{
			decoded("/caf%C3%A9", "/caf\u00e9"), decoded("/%2525", "/%25"), decoded("/a+b", "/a+b"),
			{
				Name: "the query is raw",
				Send: "GET /?a=%20&b?c HTTP/1.1\r\nHost: h\r\n%s\r\n",
				App: func(c *Check, env envmap.Env) error {
					Equal(c, "query", env.Query(), "a=%20&b?c")
					return ok(env)
				},
			},
		},
	},
	{
		Section: pathSection, Clause: "Ringway", Title: "Nothing else is done to a path: %2F becomes a slash and %00 a NUL, \"//\", \"/../\" and backslashes stay",
		Cases: []Case{
			decoded("/a%2Fb", "/a/b"), decoded("/a%00b", "/a\x00b"), decoded("//a//b", "//a//b"), decoded("/a/../b", "/a/../b"),
			decoded("/a%5Cb", `/a\b`),
		},
		Tests: []Place{{"envmap/values_test.go", []string{"TestPathIsDecodedOnceAndOtherwiseLeftAlone"}}},
	},
	{
		Section: pathSection, Clause: "OWIN 1.0, 5.3", Title: "PathBase is \"\" or starts with \"/\" and never ends with one, matched by whole segments; Path starts with \"/\", or is \"\" where PathBase is not",
		Cases: []Case{
			mapped("", "/x", "", "/x"), mapped("/", "/x", "", "/x"),
			mapped("/pathBase", "/pathBase", "/pathBase", ""), mapped("/pathBase", "/pathBase/", "/pathBase", "/"),
			mapped("/pathBase/", "/pathBase/path?query", "/pathBase", "/path"), mapped("/path", "/pathA/path", "", ""),
			mapped("/a", "/a%2Fb", "/a", "/b"), mapped("/a", "//a/b", "", ""), mapped("/a", "/x/../a", "", ""),
			mapped("/A", "/a", "", ""),
		},
		Tests: []Place{{"envmap/builder_test.go", []string{"TestMap", "TestMapNested"}}},
	},
}
