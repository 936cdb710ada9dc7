package envmap_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

func TestRequestHeaders(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for name, want := range map[string]string{
			"accept": "text/html", "ACCEPT": "text/html", "X-Own": "1", "host": "example.org:8080", "no": "",
		} {
			equal(t, name, env.Header(name), want)
			equal(t, name+" view", string(env.HeaderBytes(name)), want)
			equal(t, name+" dictionary", env.RequestHeaders().Get(name), want)
			equal(t, "has "+name, env.RequestHeaders().Has(name), want != "")
		}
		if env.HeaderBytes("no") != nil {
			t.Error("the view of an absent field is not nil")
		}
	})
}

// TestHeadersNeitherSplitNorMerged: "a, b" is one value, three lines are three.
func TestHeadersNeitherSplitNorMerged(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for range 2 { // lazily, then from the list
			h := env.RequestHeaders()
			if v := h.Values("Accept"); !slices.Equal(v, []string{"text/html", "application/json;q=0.5, text/*"}) {
				t.Errorf("Accept = %q", v)
			}
			if v := h.Values("x-own"); !slices.Equal(v, []string{"1", "2", "3"}) {
				t.Errorf("X-Own = %q", v)
			}
			equal(t, "absent", h.Values("no") == nil, true)
			_ = h.Set("Other", "x")
		}
	})
}

func TestHeadersCopyOnAssign(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for _, h := range []envmap.Headers{env.RequestHeaders(), env.ResponseHeaders()} {
			given := []string{"a", "b"}
			_ = h.Set("X-Own", given...)
			given[0] = "changed"
			got := h.Values("X-Own")
			equal(t, "after the given slice changed", got[0], "a")
			got[0] = "changed"
			equal(t, "after a returned slice changed", h.Get("X-Own"), "a")
			for _, values := range h.All() {
				values[0] = "changed"
			}
			h.Map()["X-Own"][0] = "changed"
			equal(t, "after iteration", h.Get("X-Own"), "a")
			_ = h.Set("x-own", got...)
			equal(t, "after assignment", h.Get("X-Own"), "changed")
		}
	})
}

func TestHeadersChange(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for _, h := range []envmap.Headers{env.RequestHeaders(), env.ResponseHeaders()} {
			_ = h.Append("X-OWN", "more")
			_ = h.Set("x-own", "only")
			equal(t, "values", len(h.Values("X-Own")), 1)
			_ = h.Append("X-Own", "second")
			equal(t, "values", strings.Join(h.Values("x-own"), " "), "only second")
			if err := h.Add("x-OWN", "third"); !errors.Is(err, envmap.ErrKeyExists) {
				t.Errorf("Add of a present name: %v", err)
			}
			equal(t, "Delete", h.Delete("X-own"), true)
			equal(t, "Delete again", h.Delete("X-own"), false)
			if err := h.Add("x-OWN", "third"); err != nil {
				t.Errorf("Add of an absent name: %v", err)
			}
			_ = h.Set("X-Own")
			equal(t, "has", h.Has("x-own"), false)
			_ = h.Clear()
			equal(t, "Len", h.Len(), 0)
			_ = h.Set("A", "1")
			equal(t, "Len", h.Len(), 1)
		}
	})
}

func TestHeadersIteration(t *testing.T) {
	want := []string{
		"Host [example.org:8080]", "Accept [text/html application/json;q=0.5, text/*]", "User-Agent [test]",
		"X-Own [1 2 3]",
	}
	inside(t, typical, func(env envmap.Env) {
		h := env.RequestHeaders()
		var got []string
		for name, values := range h.All() {
			got = append(got, fmt.Sprint(name, " ", values))
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		equal(t, "Len", h.Len(), len(want))
		for range h.All() {
			break
		}
	})
}

// TestHostIsAlwaysThere: an absolute-form target wins, then the Host field, else the local address.
func TestHostIsAlwaysThere(t *testing.T) {
	for _, c := range []struct {
		target string
		fields []envmap.Field
		want   string
	}{
		{"/", []envmap.Field{{"A", "b"}, {"Host", "by.field"}}, "by.field"},
		{"http://by.target:81/x", []envmap.Field{{"A", "b"}, {"host", "by.field"}}, "by.target:81"},
		{"http://by.target/x", nil, "by.target"},
		{"/", []envmap.Field{{"A", "b"}}, "192.0.2.2:80"},
		{"/", []envmap.Field{{"Host", ""}}, "192.0.2.2:80"},
	} {
		inside(t, envtest.Request{Target: c.target, Fields: c.fields}, func(env envmap.Env) {
			for range 2 { // lazily, then from the list
				h := env.RequestHeaders()
				equal(t, "Header", env.Header("Host"), c.want)
				equal(t, "HeaderBytes", string(env.HeaderBytes("hOST")), c.want)
				equal(t, "Values", strings.Join(h.Values("host"), "|"), c.want)
				equal(t, "Has", h.Has("HOST"), true)
				n := 0
				for name, values := range h.All() {
					if strings.EqualFold(name, "host") {
						n += len(values)
						equal(t, "iterated", values[0], c.want)
					}
				}
				equal(t, "Hosts", n, 1)
				_ = h.Set("Other", "x")
			}
		})
	}
}

func TestManyFields(t *testing.T) {
	r := envtest.Request{}
	for i := range 1000 {
		r.Fields = append(r.Fields, envmap.Field{Name: fmt.Sprintf("X-%d", i%500), Value: "v"})
	}
	inside(t, r, func(env envmap.Env) {
		equal(t, "Len", env.RequestHeaders().Len(), 501)
		equal(t, "values", len(env.RequestHeaders().Values("x-499")), 2)
	})
}
