package envmap_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"ringway/envmap"
)

func TestDictionaryGetSetHasDelete(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for _, key := range []string{envmap.KeyRequestPath, envmap.KeyRequestPathBase, "my.Key"} {
			if err := env.Set(key, "/new"); err != nil {
				t.Fatal(err)
			}
			if v, ok := env.Get(key); !ok || v != "/new" || !env.Has(key) {
				t.Errorf("%s = %v, %v after Set", key, v, ok)
			}
			equal(t, "Delete "+key, env.Delete(key), true)
			equal(t, "Delete again "+key, env.Delete(key), false)
			if v, ok := env.Get(key); ok || v != nil || env.Has(key) {
				t.Errorf("%s = %v, %v after Delete", key, v, ok)
			}
		}
		equal(t, "Path", env.Path(), "")
		equal(t, "PathBytes", len(env.PathBytes()), 0)
		_ = env.Set(envmap.KeyRequestPath, "/again")
		equal(t, "Path", env.Path(), "/again")
		equal(t, "PathBytes", string(env.PathBytes()), "/again")
	})
}

func TestDictionaryAccessorsShowWhatWasSet(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		env.Path() // decoded before it is replaced
		_ = env.Set(envmap.KeyRequestPath, "/p")
		_ = env.Set(envmap.KeyRequestPathBase, "/base")
		_ = env.Set(envmap.KeyRequestMethod, "PUT")
		_ = env.Set(envmap.KeyRequestQueryString, "q")
		_ = env.Set(envmap.KeyRequestScheme, "https")
		equal(t, "all", env.Method()+env.Scheme()+env.PathBase()+env.Path()+env.Query(), "PUThttps/base/pq")
		_ = env.Set(envmap.KeyRequestPath, 5)
		equal(t, "Path of a wrong type", env.Path(), "")
		v, _ := env.Get(envmap.KeyRequestPath)
		equal(t, "the value", v.(int), 5)
	})
}

func TestDictionaryKeysAreOrdinal(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		equal(t, "Has", env.Has("owin.requestpath"), false)
		_ = env.Set("owin.requestpath", 1)
		_ = env.Set("K", 1)
		_ = env.Set("k", 2)
		equal(t, "Path", env.Path(), "/café/list")
		v, _ := env.Get("K")
		equal(t, "K", v.(int), 1)
	})
}

func TestDictionaryNilRemoves(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for _, key := range []string{envmap.KeyRequestMethod, "my.Key"} {
			_ = env.Set(key, "x")
			_ = env.Set(key, nil)
			equal(t, "Has "+key, env.Has(key), false)
		}
		_ = env.Set("never.There", nil)
		equal(t, "Has", env.Has("never.There"), false)
	})
}

func TestDictionaryTryGetOfUnknownKey(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		v, ok := env.Get("no.Such")
		if v != nil || ok {
			t.Errorf("Get = %v, %v", v, ok)
		}
	})
}

func TestDictionaryAdd(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for _, key := range []string{envmap.KeyRequestPath, "my.Key"} {
			env.Delete(key)
			if err := env.Add(key, "a"); err != nil {
				t.Errorf("Add of an absent %s: %v", key, err)
			}
			if err := env.Add(key, "b"); !errors.Is(err, envmap.ErrKeyExists) {
				t.Errorf("Add of a present %s: %v", key, err)
			}
			v, _ := env.Get(key)
			equal(t, key, v.(string), "a")
		}
		if err := env.Add(envmap.KeyRequestMethod, "X"); !errors.Is(err, envmap.ErrKeyExists) {
			t.Errorf("Add of a key never decoded: %v", err)
		}
	})
}

func TestDictionaryDeletePair(t *testing.T) {
	m, n := map[string]int{}, map[string]int{}
	s := []int{1, 2}
	inside(t, typical, func(env envmap.Env) {
		_ = env.Set("map", m)
		_ = env.Set("slice", s)
		_ = env.Set("mixed", [1]any{s})
		for _, c := range []struct {
			key   string
			value any
			want  bool
		}{
			{envmap.KeyRequestPath, "/other", false},
			{envmap.KeyRequestPath, []byte("/café/list"), false},
			{envmap.KeyRequestPath, "/café/list", true},
			{envmap.KeyRequestPath, "/café/list", false},
			{envmap.KeyRequestHeaders, envmap.Headers{}, false},
			{envmap.KeyRequestHeaders, env.RequestHeaders(), true},
			{"map", n, false},
			{"map", m, true},
			{"slice", s[:1], false},
			{"slice", slices.Clone(s), false},
			{"slice", s, true},
			{"mixed", [1]any{s}, false},
			{"absent", nil, false},
		} {
			equal(t, "DeletePair "+c.key, env.DeletePair(c.key, c.value), c.want)
		}
		equal(t, "Has path", env.Has(envmap.KeyRequestPath), false)
	})
}

// absent are the known keys that an Env does not have by itself, or only from a server.
var absent = []string{
	envmap.KeyResponseReasonPhrase, envmap.KeyResponseProtocol, envmap.KeyRequestID, envmap.KeyRequestUser,
	envmap.KeyCapabilities, envmap.KeyTraceOutput, envmap.KeyOpaqueUpgrade,
}

func TestDictionaryIteration(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		_ = env.Set("my.B", 1)
		_ = env.Set("my.A", 2)
		env.Delete(envmap.KeyRequestScheme)
		seen := map[string]int{}
		var order []string
		for key, value := range env.All() {
			if value == nil {
				t.Errorf("%s is nil", key)
			}
			seen[key]++
			order = append(order, key)
		}
		for _, key := range envmap.KnownNames {
			want := 1
			if key == envmap.KeyRequestScheme || slices.Contains(absent, key) {
				want = 0
			}
			equal(t, "visits of "+key, seen[key], want)
		}
		if last := order[len(order)-2:]; !slices.Equal(last, []string{"my.B", "my.A"}) {
			t.Errorf("last keys: %v", last)
		}
		equal(t, "Len", env.Len(), len(order))

		n := 0
		for key := range env.Keys() {
			n++
			env.Delete(key)
			env.Delete("my.A")
			_ = env.Set("added", 1)
		}
		equal(t, "visits while keys are removed", n, len(order)-1)
		for range env.All() {
			n++
			break
		}
		equal(t, "visits before break", n, len(order))
	})
}

func TestDictionaryClear(t *testing.T) {
	x := inside(t, typical, func(env envmap.Env) {
		_ = env.Set("my.A", 2)
		_ = env.SetStatus(404)
		_ = env.SetHeader("X", "y")
		env.Clear()
		equal(t, "Len", env.Len(), 0)
		for key := range env.All() {
			t.Errorf("%s is there", key)
		}
		equal(t, "Path", env.Path(), "")
		equal(t, "Header", env.Header("accept"), "")
		_ = env.Set(envmap.KeyRequestPath, "/x")
		equal(t, "Len", env.Len(), 1)
	})
	equal(t, "status", x.Status, 200)
	equal(t, "fields", len(x.Fields), 0)
}

func TestDictionaryHeadersAssigned(t *testing.T) {
	own := http.Header{"X-One": {"1", "2"}, "lower": {"3"}}
	x := inside(t, typical, func(env envmap.Env) {
		_ = env.Set(envmap.KeyResponseHeaders, own)
		own.Set("Later", "4") // the map itself is the dictionary from now on
		_ = env.SetHeader("LOWER", "5")
		_ = env.AddHeader("x-one", "6")
		v, _ := env.Get(envmap.KeyResponseHeaders)
		equal(t, "Later", v.(http.Header).Get("Later"), "4")
		equal(t, "Len", env.ResponseHeaders().Len(), 3)

		_ = env.Set(envmap.KeyRequestHeaders, map[string][]string{"accept": {"new"}})
		equal(t, "Header", env.Header("Accept"), "new")
		equal(t, "HeaderBytes", string(env.HeaderBytes("Accept")), "new")
		equal(t, "the old ones", env.Header("User-Agent"), "")
	})
	want := []envmap.Field{{"Later", "4"}, {"X-One", "1"}, {"X-One", "2"}, {"X-One", "6"}, {"lower", "5"}}
	if !slices.Equal(x.Fields, want) {
		t.Errorf("fields = %v, want %v", x.Fields, want)
	}
}

func TestDictionaryHeadersPutBackOrCopied(t *testing.T) {
	x := inside(t, typical, func(env envmap.Env) {
		_ = env.SetHeader("X", "1")
		_ = env.Set(envmap.KeyResponseHeaders, env.ResponseHeaders())
		equal(t, "X", env.ResponseHeaders().Get("x"), "1")
		_ = env.Set(envmap.KeyResponseHeaders, http.Header(nil))
		_ = env.SetHeader("Y", "1")
		_ = env.Set(envmap.KeyResponseHeaders, env.RequestHeaders()) // a copy
		_ = env.SetHeader("Y", "2")
		equal(t, "Y of the request", env.Header("Y"), "")
	})
	equal(t, "Y", x.Header("Y"), "2")
	equal(t, "User-Agent", x.Header("User-Agent"), "test")
}
