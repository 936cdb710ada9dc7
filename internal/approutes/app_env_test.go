package approutes

import (
	"encoding/json"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// TestEnv: every key with its type.
func TestEnv(t *testing.T) {
	each(t, func(t *testing.T, do func(envtest.Request) answer) {
		r := get("/env?q=%20")
		r.Fields = []envmap.Field{{Name: "host", Value: "example.com"}, {Name: "X-Own", Value: "a"}, {Name: "x-own", Value: "b"}}
		a := do(r)
		var got map[string]struct {
			Type  string
			Value any
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.header.Get("Content-Type") != "application/json" {
			t.Fatalf("%v: %s", err, a.body)
		}
		for key, want := range map[string][2]any{
			"owin.RequestMethod": {"string", "GET"}, "owin.RequestPath": {"string", "/env"}, "owin.RequestPathBase": {"string", ""},
			"owin.RequestQueryString": {"string", "q=%20"}, "owin.RequestScheme": {"string", "http"},
			"owin.ResponseStatusCode": {"int", 200.0}, "owin.Version": {"string", "1.0"}, "server.IsLocal": {"bool", false},
			"server.RemoteIpAddress": {"string", "192.0.2.1"}, "sendfile.SendAsync": {"envmap.SendFile", nil},
			"server.OnSendingHeaders": {"func(func()) error", nil},
		} {
			if v := got[key]; v.Type != want[0] || v.Value != want[1] {
				t.Errorf("%s is %+v, want %v", key, v, want)
			}
		}
		fields, _ := got["owin.RequestHeaders"].Value.(map[string]any)
		if own, _ := fields["X-Own"].([]any); len(own) != 2 || own[0] != "a" || own[1] != "b" {
			t.Errorf("fields %v", fields)
		}
	})
}
