package rules

import (
	"net/http"
	"strings"

	"ringway/envmap"
)

const headerSection = "Header dictionaries"

func hosted(name, head, host string) Case {
	return Case{
		Name: name, Send: head + "%s\r\n",
		App: func(c *Check, env envmap.Env) error {
			h := value[envmap.Headers](c, env, "owin.RequestHeaders")
			Equal(c, "Host", strings.Join(h.Values("HOST"), "|"), host)
			return ok(env)
		},
	}
}

const manyFields = "GET / HTTP/1.1\r\nHost: h\r\nX-List: a, b\r\nx-three: 1\r\nX-Three: 2\r\nX-THREE: 3, 4\r\n%s\r\n"

var headerRules = []Rule{
	{
		Section: headerSection, Clause: "OWIN 1.0, 3.3", Title: "Keys are case-insensitive",
		Cases: []Case{{
			Name: "keys in any case", Send: manyFields,
			App: func(c *Check, env envmap.Env) error {
				for _, name := range []string{"X-List", "x-list", "X-LIST"} {
					Equal(c, name, env.Header(name), "a, b")
					Equal(c, "has "+name, env.RequestHeaders().Has(name), true)
				}
				_ = env.SetHeader("X-Own", "1")
				_ = env.SetHeader("x-OWN", "2")
				Equal(c, "fields of the response", env.ResponseHeaders().Len(), 1)
				return ok(env)
			},
			Fields: []string{"X-Own: 2"},
		}},
	},
	{
		Section: headerSection, Clause: "OWIN 1.0, 3.3", Title: "Comma lists are neither split nor merged: \"a, b\" stays one value, three lines stay three",
		Cases: []Case{
			{
				Name: "lists stay as they are", Send: manyFields,
				App: func(c *Check, env envmap.Env) error {
					h := env.RequestHeaders()
					Equal(c, "X-List", strings.Join(h.Values("X-List"), "|"), "a, b")
					Equal(c, "X-Three", strings.Join(h.Values("X-Three"), "|"), "1|2|3, 4")
					return ok(env)
				},
			},
			{
				Name: "two fields of one name leave as two",
				App: func(_ *Check, env envmap.Env) error {
					_ = env.AddHeader("Set-Cookie", "a=1, x")
					_ = env.AddHeader("Set-Cookie", "b=2")
					return ok(env)
				},
				Fields: []string{"Set-Cookie: a=1, x", "Set-Cookie: b=2"},
			},
		},
	},
	{
		Section: headerSection, Clause: "OWIN 1.0, 3.3", Title: "Arrays are copies: a change persists only by assignment; both dictionaries can be changed",
		Cases: []Case{{
			Name: "copies", Send: manyFields,
			App: func(c *Check, env envmap.Env) error {
				for _, h := range []envmap.Headers{env.RequestHeaders(), env.ResponseHeaders()} {
					given := []string{"1", "2"}
					_ = h.Set("X-Own", given...)
					given[0] = "changed"
					got := h.Values("x-own")
					got[1] = "changed"
					Equal(c, "X-Own", strings.Join(h.Values("X-Own"), "|"), "1|2")
					_ = h.Set("X-Own", got...)
					Equal(c, "X-Own after assignment", strings.Join(h.Values("X-Own"), "|"), "1|changed")
					Equal(c, "removed", h.Delete("X-OWN"), true)
					Equal(c, "there", h.Has("x-own"), false)
				}
				return ok(env)
			},
		}},
		Tests: []Place{{"envmap/headers_test.go", []string{"TestHeadersCopyOnAssign", "TestHeadersChange"}}, {"envmap/model_test.go", []string{"TestHeadersAgainstModel"}}},
	},
	{
		Section: headerSection, Clause: "OWIN 1.0, 3.3", Title: "A dictionary that the application assigns is the one that is sent",
		Cases: []Case{{
			Name: "assigned fields",
			App: func(c *Check, env envmap.Env) error {
				_ = env.SetHeader("X-Before", "1")
				if err := env.Set("owin.ResponseHeaders", http.Header{"X-After": {"2"}}); err != nil {
					return err
				}
				Equal(c, "X-Before is there", env.ResponseHeaders().Has("x-before"), false)
				return ok(env)
			},
			Fields: []string{"X-After: 2"},
		}},
	},
	{
		Section: headerSection, Clause: "OWIN 1.0, 5.2", Title: "Host is always there: that of an absolute target, else the field, else the local address",
		Cases: []Case{
			hosted("host of the field", "GET / HTTP/1.1\r\nHost: by.field\r\n", "by.field"),
			hosted("host of the target", "GET http://by.target:81/ HTTP/1.1\r\nHost: by.field\r\n", "by.target:81"),
			{
				Name: "host of the local address", Send: "GET / HTTP/1.0\r\n%s\r\n",
				App: func(c *Check, env envmap.Env) error {
					Equal(c, "Host", env.Header("Host"), value[string](c, env, "server.LocalIpAddress")+":"+value[string](c, env, "server.LocalPort"))
					return ok(env)
				},
			},
		},
		Tests: []Place{{"envmap/headers_test.go", []string{"TestHostIsAlwaysThere"}}},
	},
}
