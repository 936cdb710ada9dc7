package envmap_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// TestHeadersAgainstModel makes random changes to a Headers and to an http.Header and compares what both show.
func TestHeadersAgainstModel(t *testing.T) {
	names := []string{"A", "b-c", "Host", "accept", "X-Long-Name"}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		vary := func(name string) string {
			if random.IntN(2) == 0 {
				return strings.ToUpper(name)
			}
			return name
		}
		model := http.Header{}
		r := envtest.Request{}
		for range random.IntN(8) {
			name, value := names[random.IntN(len(names))], fmt.Sprint(random.IntN(100))
			if name == "Host" && model.Get("Host") != "" {
				continue // a gateway lets no second one through
			}
			r.Fields = append(r.Fields, envmap.Field{Name: vary(name), Value: value})
			model.Add(name, value)
		}
		if model.Get("Host") == "" {
			model.Set("Host", "192.0.2.2:80")
		}
		request := seed%3 != 0
		if !request {
			model = http.Header{}
		}
		inside(t, r, func(env envmap.Env) {
			h := env.RequestHeaders()
			if !request {
				h = env.ResponseHeaders()
			}
			if seed%5 == 0 {
				assigned := map[string][]string{}
				for name, values := range h.All() {
					assigned[vary(name)] = values
				}
				key := envmap.KeyRequestHeaders
				if !request {
					key = envmap.KeyResponseHeaders
				}
				_ = env.Set(key, assigned)
			}
			for step := range 40 {
				name, value := names[random.IntN(len(names))], fmt.Sprint("v", random.IntN(100))
				where := fmt.Sprintf("seed %d, step %d, %s", seed, step, name)
				switch random.IntN(8) {
				case 0:
					_ = h.Set(vary(name), value)
					model.Set(name, value)
				case 1:
					_ = h.Set(vary(name), value, "second")
					model[http.CanonicalHeaderKey(name)] = []string{value, "second"}
				case 2, 3:
					_ = h.Append(vary(name), value)
					model.Add(name, value)
				case 4:
					equal(t, where+": Delete", h.Delete(vary(name)), model.Get(name) != "")
					model.Del(name)
				case 5:
					err := h.Add(vary(name), value)
					equal(t, where+": Add", err == nil, model.Get(name) == "")
					if err == nil {
						model.Set(name, value)
					}
				}
				equal(t, where+": Get", h.Get(vary(name)), model.Get(name))
				equal(t, where+": Has", h.Has(vary(name)), model.Get(name) != "")
				if got := h.Values(vary(name)); !slices.Equal(got, model.Values(name)) {
					t.Errorf("%s: Values = %q, want %q", where, got, model.Values(name))
				}
				if request {
					equal(t, where+": view", string(env.HeaderBytes(vary(name))), model.Get(name))
				}
				shown := http.Header{}
				for n, values := range h.All() {
					shown[http.CanonicalHeaderKey(n)] = values
				}
				if !maps.EqualFunc(shown, model, slices.Equal) {
					t.Errorf("%s: All = %q, want %q", where, shown, model)
				}
				equal(t, where+": Len", h.Len(), len(model))
				if t.Failed() {
					return
				}
			}
		})
	}
}

// TestDictionaryAgainstModel makes random changes to an Env and to a map and compares what both show.
func TestDictionaryAgainstModel(t *testing.T) {
	keys := []string{
		"my.A", "my.B", "my.C", "my.D", envmap.KeyRequestPath, envmap.KeyRequestMethod, envmap.KeyRequestPathBase,
		envmap.KeyVersion, envmap.KeyRemotePort,
	}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		inside(t, typical, func(env envmap.Env) {
			model := map[string]any{
				envmap.KeyRequestPath: "/café/list", envmap.KeyRequestMethod: "GET", envmap.KeyRequestPathBase: "",
				envmap.KeyVersion: "1.0", envmap.KeyRemotePort: "40000",
			}
			others := env.Len() - len(model)
			for step := range 60 {
				key, value := keys[random.IntN(len(keys))], random.IntN(3)
				where := fmt.Sprintf("seed %d, step %d, %s", seed, step, key)
				_, there := model[key]
				switch random.IntN(6) {
				case 0:
					_ = env.Set(key, value)
					model[key] = value
				case 1:
					_ = env.Set(key, nil)
					delete(model, key)
				case 2:
					equal(t, where+": Delete", env.Delete(key), there)
					delete(model, key)
				case 3:
					want := there && model[key] == any(value)
					equal(t, where+": DeletePair", env.DeletePair(key, value), want)
					if want {
						delete(model, key)
					}
				case 4:
					equal(t, where+": Add", env.Add(key, value) == nil, !there)
					if !there {
						model[key] = value
					}
				}
				got, ok := env.Get(key)
				want, there := model[key]
				if got != want || ok != there || env.Has(key) != there {
					t.Errorf("%s: Get = %v, %v, Has %v; want %v, %v", where, got, ok, env.Has(key), want, there)
				}
				equal(t, where+": Len", env.Len()-others, len(model))
				shown := map[string]any{}
				for k, v := range env.All() {
					if slices.Contains(keys, k) {
						shown[k] = v
					}
				}
				if !maps.Equal(shown, model) {
					t.Errorf("%s: All = %v, want %v", where, shown, model)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}
