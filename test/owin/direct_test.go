package owin

import (
	"cmp"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
	"ringway/test/owin/rules"
)

// parse makes a request of the text of a case.
func parse(t *testing.T, text string) envtest.Request {
	t.Helper()
	head, body, ok := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	words := strings.Split(lines[0], " ")
	if !ok || len(words) != 3 {
		t.Fatalf("no request: %q", text)
	}
	r := envtest.Request{Method: words[0], Target: words[1], Old: words[2] == "HTTP/1.0"}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		r.Fields = append(r.Fields, envmap.Field{Name: name, Value: value})
		r.Upgrade = r.Upgrade || name == "Upgrade"
	}
	if body != "" {
		r.Body, r.Length = strings.NewReader(body), int64(len(body))
	}
	return r
}

// TestDirect runs the cases on an exchange that records.
func TestDirect(t *testing.T) {
	for _, rule := range rules.All() {
		for _, one := range rule.Cases {
			if one.GatewayOnly {
				continue
			}
			t.Run(one.Name, func(t *testing.T) {
				check := rules.NewCheck()
				x, err := envtest.Do(func(env envmap.Env) error { return one.Run(check, env) }, parse(t, one.Request()))
				if one.Late {
					<-check.Late()
				}
				if wrong := check.Wrong(); wrong != "" {
					t.Error(wrong)
				}
				if (err != nil) != (one.Log != "") || err != nil && !strings.Contains(err.Error(), one.Log) {
					t.Errorf("error %v, want %q", err, one.Log)
				}
				if (x.Aborted != nil) != one.Cut {
					t.Errorf("aborted: %v", x.Aborted)
				}
				if status := cmp.Or(one.Status, 200); x.Status != status {
					t.Errorf("status %d, want %d", x.Status, status)
				}
				if body := wantedBody(one); string(x.Body) != body {
					t.Errorf("body %q, want %q", x.Body, body)
				}
				for _, f := range one.Fields {
					name, value, _ := strings.Cut(f, ": ")
					found := 0
					for _, got := range x.Fields {
						if strings.EqualFold(got.Name, name) && got.Value == value {
							found++
						}
					}
					if found != 1 {
						t.Errorf("%q is there %d times: %v", f, found, x.Fields)
					}
				}
			})
		}
	}
}

// wantedBody is the body of the answer: "ok" unless the case says otherwise.
func wantedBody(one rules.Case) string {
	switch one.Body {
	case "":
		return "ok"
	case "-":
		return ""
	}
	return one.Body
}
