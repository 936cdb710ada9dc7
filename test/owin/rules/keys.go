package rules

import (
	"context"
	"io"
	"strings"

	"ringway/envmap"
)

const valuesSection = "Values of the request"

var keyRules = []Rule{
	{
		Section: valuesSection, Clause: "OWIN 1.0, 3.2", Title: "All required keys are there, with the right types and values",
		Cases: []Case{
			{
				Name: "required keys",
				Send: "POST /a%20b?x=%20&y HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n%s\r\nbody",
				App: func(c *Check, env envmap.Env) error {
					Equal(c, "method", value[string](c, env, "owin.RequestMethod"), "POST")
					Equal(c, "path", value[string](c, env, "owin.RequestPath"), "/a b")
					Equal(c, "base", value[string](c, env, "owin.RequestPathBase"), "")
					Equal(c, "query", value[string](c, env, "owin.RequestQueryString"), "x=%20&y")
					Equal(c, "scheme", value[string](c, env, "owin.RequestScheme"), "http")
					Equal(c, "protocol", value[string](c, env, "owin.RequestProtocol"), "HTTP/1.1")
					Equal(c, "version", value[string](c, env, "owin.Version"), "1.0")
					Equal(c, "Host", value[envmap.Headers](c, env, "owin.RequestHeaders").Get("host"), "h")
					Equal(c, "fields of the response", value[envmap.Headers](c, env, "owin.ResponseHeaders").Len(), 0)
					Equal(c, "cancelled", value[context.Context](c, env, "owin.CallCancelled").Err(), nil)
					if b, err := io.ReadAll(value[io.Reader](c, env, "owin.RequestBody")); string(b) != "body" || err != nil {
						c.Errorf("body %q, %v", b, err)
					}
					_, err := io.WriteString(value[io.Writer](c, env, "owin.ResponseBody"), "written")
					return err
				},
				Body: "written",
			},
			{
				Name: "an empty body reads as its end",
				App: func(c *Check, env envmap.Env) error {
					if b, err := io.ReadAll(value[io.Reader](c, env, "owin.RequestBody")); len(b) > 0 || err != nil {
						c.Errorf("body %q, %v", b, err)
					}
					return ok(env)
				},
			},
		},
	},
	{
		Section: valuesSection, Clause: "OWIN 1.0, 3.2.2; 1.0.1 draft", Title: "Optional keys: status 200, no reason, no protocol, no user until they are set; owin.RequestId is the id that the gateway gave",
		Cases: []Case{
			{
				Name: "optional keys",
				Send: "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: 0123456789\r\n%s\r\n",
				App: func(c *Check, env envmap.Env) error {
					Equal(c, "status", value[int](c, env, "owin.ResponseStatusCode"), 200)
					for _, key := range []string{"owin.ResponseReasonPhrase", "owin.ResponseProtocol", "owin.RequestUser"} {
						Equal(c, key+" is there", env.Has(key), false)
					}
					id := value[string](c, env, "owin.RequestId")
					Equal(c, "owin.RequestId", id, env.Header("x-request-id"))
					Equal(c, "it is empty", id == "", false)
					if err := env.Set("owin.RequestUser", "user"); err != nil {
						return err
					}
					Equal(c, "owin.RequestUser", value[string](c, env, "owin.RequestUser"), "user")
					return ok(env)
				},
			},
		},
	},
	{
		Section: valuesSection, Clause: "Common keys, 6", Title: "server.RemoteIpAddress and the others are strings, server.IsLocal is a bool; ssl.ClientCertificate is absent",
		Cases: []Case{
			{
				Name: "common keys",
				App: func(c *Check, env envmap.Env) error {
					for _, key := range []string{"server.RemoteIpAddress", "server.RemotePort", "server.LocalIpAddress", "server.LocalPort"} {
						Equal(c, key+" is empty", value[string](c, env, key) == "", false)
					}
					Equal(c, "server.RemoteIpAddress", value[string](c, env, "server.RemoteIpAddress"), env.RemoteIP())
					_ = value[bool](c, env, "server.IsLocal")
					Equal(c, "a certificate is there", env.Has("ssl.ClientCertificate"), false)
					return ok(env)
				},
			},
			{
				Name: "a client on this machine is local", GatewayOnly: true,
				App: func(c *Check, env envmap.Env) error {
					Equal(c, "server.IsLocal", value[bool](c, env, "server.IsLocal"), true)
					Equal(c, "server.RemoteIpAddress", value[string](c, env, "server.RemoteIpAddress"), "127.0.0.1")
					return ok(env)
				},
			},
		},
		Tests: []Place{{"envmap/values_test.go", []string{"TestAddresses", "TestUnixConnectionHasNoAddresses"}}},
	},
	{
		Section: valuesSection, Clause: "OWIN 1.0, 3.2; common keys, 4", Title: "Values are never null; a null or empty value of an extension key equals absent; an application defines no new owin.* keys",
		Cases: []Case{
			{
				Name: "no null values",
				App: func(c *Check, env envmap.Env) error {
					for key, v := range env.All() {
						if v == nil || v == "" && !strings.HasPrefix(key, "owin.") {
							c.Errorf("%s has no value", key)
						}
					}
					for _, none := range []any{nil, "", (*int)(nil), map[string]any(nil)} {
						_ = env.Set("my.Key", none)
						Equal(c, "my.Key is there", env.Has("my.Key"), false)
					}
					Equal(c, "a new owin key", env.Set("owin.Own", 1), envmap.ErrReservedKey)
					Equal(c, "owin.Own is there", env.Has("owin.Own"), false)
					return ok(env)
				},
			},
		},
		Tests: []Place{{"envmap/dict_rules_test.go", []string{"TestNoNewOwinKeys", "TestEmptyEqualsAbsent"}}},
	},
}
