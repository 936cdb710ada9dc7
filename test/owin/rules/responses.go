package rules

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"ringway/envmap"
)

const responseSection = "Responses"

const failure = "Internal Server Error\n"

// wrongValue is a case of a value that no response can be made of.
func wrongValue(name, key string, v any, log string) Case {
	return Case{
		Name: name, Status: 500, Body: failure, Log: log,
		App: func(_ *Check, env envmap.Env) error { return env.Set(key, v) },
	}
}

func wrongField(name, field, text, log string) Case {
	return Case{
		Name: name, Status: 500, Body: failure, Log: log,
		App: func(_ *Check, env envmap.Env) error { return env.SetHeader(field, text) },
	}
}

// reason is a case of an App that sets status and phrase.
func reason(name string, status int, phrase, wanted string) Case {
	return Case{
		Name: name, Status: status, Phrase: wanted, Body: "text",
		App: func(_ *Check, env envmap.Env) error {
			_ = env.Set("owin.ResponseStatusCode", status)
			_ = env.Set("owin.ResponseReasonPhrase", phrase)
			_, err := env.WriteString("text")
			return err
		},
	}
}

var responseRules = []Rule{
	{
		Section: responseSection, Clause: "OWIN 1.0, 3.2.2, 4", Title: "Status, reason and fields can change until the first body write, not after it",
		Cases: []Case{{
			Name: "sealed by the first write",
			App: func(c *Check, env envmap.Env) error {
				_ = env.Set("owin.ResponseStatusCode", 404)
				_ = env.Set("owin.ResponseStatusCode", 201)
				_ = env.SetHeader("X-Own", "1")
				if _, err := env.Write(nil); err != nil {
					return err
				}
				Equal(c, "status", env.Set("owin.ResponseStatusCode", 202), envmap.ErrSealed)
				Equal(c, "reason", env.Set("owin.ResponseReasonPhrase", "x"), envmap.ErrSealed)
				Equal(c, "field", env.SetHeader("X-Own", "2"), envmap.ErrSealed)
				_, err := env.WriteString("sealed")
				return err
			},
			Status: 201, Fields: []string{"X-Own: 1"}, Body: "sealed",
		}},
		Tests: []Place{{"envmap/response_test.go", []string{"TestSealedByTheFirstWrite"}}},
	},
	{
		Section: responseSection, Clause: "Common keys, 6", Title: "OnSendingHeaders: callbacks run when the head is about to be sent, also when nothing is ever written, and may still change it; all of them run",
		Cases: []Case{
			{
				Name: "callbacks before the first write",
				App: func(c *Check, env envmap.Env) error {
					register := value[func(func()) error](c, env, "server.OnSendingHeaders")
					_ = register(func() { _ = env.SetHeader("X-First", "1"); _ = env.SetStatus(203) })
					_ = register(func() { _ = env.SetHeader("X-Second", "2"); _ = env.SetStatus(202) })
					_, err := env.WriteString("written")
					Equal(c, "too late", register(func() {}), envmap.ErrSealed)
					return err
				},
				Status: 203, Fields: []string{"X-First: 1", "X-Second: 2"}, Body: "written",
			},
			{
				Name: "callbacks without a write",
				App: func(c *Check, env envmap.Env) error {
					return value[func(func()) error](c, env, "server.OnSendingHeaders")(func() { _ = env.SetStatus(204) })
				},
				Status: 204, Body: "-",
			},
			{
				Name: "callbacks run all, also when one panics",
				App: func(c *Check, env envmap.Env) error {
					register := value[func(func()) error](c, env, "server.OnSendingHeaders")
					ran := 0
					_ = register(func() {
						if ran != 1 {
							c.Errorf("%d callbacks ran before this one", ran)
						}
						panic("own text")
					})
					_ = register(func() { ran++ })
					return nil
				},
				Status: 500, Body: failure, Log: "own text",
			},
		},
		Tests: []Place{{"envmap/sending_test.go", []string{"TestOnSendingHeaders", "TestSendingCallbackPanics", "TestSendingCallbackMustNotWrite", "TestSendingCallbackOfAFailure"}}},
	},
	{
		Section: responseSection, Clause: "OWIN 1.0, 3.7", Title: "An error before the first write becomes a 500 that shows nothing of the application's",
		Cases: []Case{
			{
				Name: "error before the first write",
				App: func(_ *Check, env envmap.Env) error {
					_ = env.SetStatus(201)
					return errors.New("own failure")
				},
				Status: 500, Body: failure, Log: "own failure",
			},
			{
				Name: "panic before the first write",
				App:  func(_ *Check, _ envmap.Env) error { panic("own panic") }, Status: 500, Body: failure, Log: "own panic",
			},
		},
		Tests: []Place{{"envmap/runner_test.go", []string{"TestFailureBeforeTheFirstWrite"}}},
	},
	{
		Section: responseSection, Clause: "OWIN 1.0, 3.7", Title: "An error after the first write cuts the connection, never a clean end",
		Cases: []Case{
			{
				Name: "error after a flush", Body: "begun", Cut: true, Log: "own failure",
				App: func(_ *Check, env envmap.Env) error {
					_, _ = env.WriteString("begun")
					_ = env.Flush()
					return errors.New("own failure")
				},
			},
			{
				Name: "panic after a flush", Body: "begun", Cut: true, Log: "own panic",
				App: func(_ *Check, env envmap.Env) error {
					_, _ = env.WriteString("begun")
					_ = env.Flush()
					panic("own panic")
				},
			},
		},
		Tests: []Place{{"envmap/runner_test.go", []string{"TestFailureAfterTheFirstWrite"}}},
	},
	{
		Section: responseSection, Clause: "OWIN 1.0, 3.2.2", Title: "Status 100 set by the application is an error, as is 101 without an upgrade",
		Cases: []Case{
			wrongValue("status 100", "owin.ResponseStatusCode", 100, "owin.ResponseStatusCode is 100"),
			wrongValue("status 101", "owin.ResponseStatusCode", 101, "owin.ResponseStatusCode is 101"),
		},
	},
	{
		Section: responseSection, Clause: "Ringway", Title: "Values that no response can be made of give a 500, and the log names key and type",
		Cases: []Case{
			wrongValue("a string as status", "owin.ResponseStatusCode", "200", "owin.ResponseStatusCode is of type string, want int"),
			wrongValue("a number as reason", "owin.ResponseReasonPhrase", 7, "owin.ResponseReasonPhrase is of type int"),
			wrongValue("a number as protocol", "owin.ResponseProtocol", 11, "owin.ResponseProtocol is of type int"),
			wrongValue("a number as fields", "owin.ResponseHeaders", 7, "owin.ResponseHeaders is of type int"),
			wrongValue("a nil slice as field", "owin.ResponseHeaders", http.Header{"X-Own": nil}, `owin.ResponseHeaders["X-Own"] is a nil slice`),
			wrongField("a negative length", "Content-Length", "-10", `owin.ResponseHeaders["Content-Length"] is "-10"`),
			wrongField("a field name with a space", "A B", "x", `owin.ResponseHeaders["A B"]`),
			wrongField("a value with a line feed", "X-Own", "a\nb", `owin.ResponseHeaders["X-Own"] is "a\nb"`),
			{
				Name: "a number as body", Status: 500, Body: failure, Log: "owin.ResponseBody is of type int",
				App: func(_ *Check, env envmap.Env) error {
					_ = env.Set("owin.ResponseBody", 5)
					_, err := env.WriteString("x")
					return err
				},
			},
		},
		Tests: []Place{{"envmap/response_test.go", []string{"TestWhatNoResponseCanBeMadeOf"}}},
	},
	{
		Section: responseSection, Clause: "OWIN 1.0, 3.2.2", Title: "owin.ResponseReasonPhrase is the phrase of the status line: at most 128 bytes, without control characters",
		Cases: []Case{
			reason("a phrase", 404, "Not Here Any More", "Not Here Any More"),
			reason("a phrase of a status without one", 299, "Odd", "Odd"),
			reason("a phrase beyond ASCII", 200, "schön\tgut", "schön\tgut"),
			reason("an empty phrase", 201, "", "Created"),
			reason("a phrase of 128 bytes", 200, strings.Repeat("p", 128), strings.Repeat("p", 128)),
			wrongValue("a phrase of 129 bytes", "owin.ResponseReasonPhrase", strings.Repeat("p", 129), "owin.ResponseReasonPhrase is"),
			wrongValue("a phrase of two lines", "owin.ResponseReasonPhrase", "a\r\nX-Own: b", `owin.ResponseReasonPhrase is "a\r\nX-Own: b"`),
			{
				Name: "a phrase of a response in pieces",
				App: func(_ *Check, env envmap.Env) error {
					_ = env.Set("owin.ResponseReasonPhrase", "Bit By Bit")
					_, _ = env.WriteString("bit by bit")
					return env.Flush()
				},
				Phrase: "Bit By Bit", Body: "bit by bit",
			},
		},
		Tests: []Place{{"envmap/response_test.go", []string{"TestWhatNoResponseCanBeMadeOf"}}},
	},
	{
		Section: responseSection, Clause: "OWIN 1.0, 3.5", Title: "Closing the body streams is ignored",
		Cases: []Case{{
			Name: "closed bodies", Send: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n%s\r\nbody",
			App: func(c *Check, env envmap.Env) error {
				in, out := value[io.ReadCloser](c, env, "owin.RequestBody"), value[io.WriteCloser](c, env, "owin.ResponseBody")
				_, _ = in.Close(), out.Close()
				_, err := io.Copy(out, in)
				_ = out.Close()
				return err
			},
			Body: "body",
		}},
		Tests: []Place{{"envmap/body_test.go", []string{"TestBodiesIgnoreClose"}}},
	},
	{
		Section: responseSection, Clause: "OWIN 1.0, 3.4", Title: "100-continue is the server's job: it is sent when the application reads the body",
		Cases: []Case{{
			Name: "expect 100-continue", GatewayOnly: true,
			Send: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n%s\r\nbody",
			App: func(_ *Check, env envmap.Env) error {
				_, err := io.Copy(env, env.Body())
				return err
			},
			Body: "body",
		}},
		Tests: []Place{{"test/wire/cases_test.go", []string{"TestCases"}}},
	},
}
