package rules

import (
	"slices"

	"ringway/envmap"
)

const dictionarySection = "The lazy dictionary"

// dictionary is a case that touches nothing but the environment.
func dictionary(name string, app func(c *Check, env envmap.Env)) []Case {
	return []Case{{Name: name, App: func(c *Check, env envmap.Env) error {
		app(c, env)
		return ok(env)
	}}}
}

var dictTests = func(tests ...string) []Place { return []Place{{"envmap/dict_test.go", tests}} }

var dictionaryRules = []Rule{
	{
		Section: dictionarySection, Clause: "OWIN 1.0, 3.2", Title: "get, set, has and delete of known keys",
		Cases: dictionary("known keys", func(c *Check, env envmap.Env) {
			for _, key := range []string{"owin.RequestPath", "owin.RequestScheme", "server.RemoteIpAddress"} {
				Equal(c, "has "+key, env.Has(key), true)
				_ = env.Set(key, "/new")
				v, there := env.Get(key)
				Equal(c, key, v, any("/new"))
				Equal(c, "got "+key, there, true)
				Equal(c, "delete "+key, env.Delete(key), true)
				Equal(c, "delete again "+key, env.Delete(key), false)
				Equal(c, "has "+key, env.Has(key), false)
			}
			Equal(c, "path", env.Path(), "")
		}),
		Tests: dictTests("TestDictionaryGetSetHasDelete", "TestDictionaryAccessorsShowWhatWasSet"),
	},
	{
		Section: dictionarySection, Clause: "OWIN 1.0, 3.2", Title: "Unknown keys live beside the known ones; an unknown key is just not there",
		Cases: dictionary("unknown keys", func(c *Check, env envmap.Env) {
			v, there := env.Get("no.Such")
			Equal(c, "no.Such", v, nil)
			Equal(c, "no.Such is there", there, false)
			_ = env.Set("my.Key", 5)
			v, _ = env.Get("my.Key")
			Equal(c, "my.Key", v, any(5))
			Equal(c, "path", env.Path(), "/")
		}),
		Tests: dictTests("TestDictionaryTryGetOfUnknownKey"),
	},
	{
		Section: dictionarySection, Clause: "OWIN 1.0, 3.2", Title: "Keys are ordinal",
		Cases: dictionary("ordinal keys", func(c *Check, env envmap.Env) {
			Equal(c, "owin.requestpath", env.Has("owin.requestpath"), false)
			_, _ = env.Set("my.Key", 1), env.Set("my.key", 2)
			v, _ := env.Get("my.Key")
			Equal(c, "my.Key", v, any(1))
		}),
		Tests: append(dictTests("TestDictionaryKeysAreOrdinal"), Place{"envmap/keys_test.go", []string{"TestKnownKeysAreFoundByTheirExactName"}}),
	},
	{
		Section: dictionarySection, Clause: "OWIN 1.0, 3.2", Title: "Iteration visits each key once, known and extra, and count agrees",
		Cases: dictionary("iteration and count", func(c *Check, env envmap.Env) {
			_, _ = env.Set("my.A", 1), env.Set("my.B", 2)
			env.Delete("owin.RequestScheme")
			var seen []string
			for key, v := range env.All() {
				if v == nil || slices.Contains(seen, key) {
					c.Errorf("%s is visited with %v after %v", key, v, seen)
				}
				seen = append(seen, key)
			}
			Equal(c, "count", env.Len(), len(seen))
			for key, want := range map[string]bool{"my.A": true, "my.B": true, "owin.RequestPath": true, "owin.RequestScheme": false} {
				Equal(c, key+" is visited", slices.Contains(seen, key), want)
			}
		}),
		Tests: dictTests("TestDictionaryIteration"),
	},
	{
		Section: dictionarySection, Clause: "OWIN 1.0, 3.2", Title: "clear removes every key",
		Cases: []Case{{Name: "clear", Body: "-", App: func(c *Check, env envmap.Env) error {
			_ = env.Set("my.A", 1)
			_ = env.SetStatus(404)
			_ = env.SetHeader("X-Own", "1")
			env.Clear()
			Equal(c, "count", env.Len(), 0)
			for key := range env.Keys() {
				c.Errorf("%s is left", key)
			}
			return nil
		}}},
		Tests: dictTests("TestDictionaryClear"),
	},
	{
		Section: dictionarySection, Clause: "OWIN 1.0, 3.2", Title: "add of a present key is an error; a pair is removed only if its value is the same",
		Cases: dictionary("add and remove of pairs", func(c *Check, env envmap.Env) {
			Equal(c, "add of owin.RequestMethod", env.Add("owin.RequestMethod", "X"), envmap.ErrKeyExists)
			Equal(c, "add of my.Key", env.Add("my.Key", 1), nil)
			Equal(c, "add again", env.Add("my.Key", 1), envmap.ErrKeyExists)
			Equal(c, "another value", env.DeletePair("my.Key", 2), false)
			Equal(c, "another type", env.DeletePair("my.Key", int64(1)), false)
			Equal(c, "the value", env.DeletePair("my.Key", 1), true)
			Equal(c, "another method", env.DeletePair("owin.RequestMethod", "PUT"), false)
			Equal(c, "the method", env.DeletePair("owin.RequestMethod", "GET"), true)
			Equal(c, "method", env.Method(), "")
		}),
		Tests: append(dictTests("TestDictionaryAdd", "TestDictionaryDeletePair"), Place{"envmap/model_test.go", []string{"TestDictionaryAgainstModel"}}),
	},
	{
		Section: dictionarySection, Clause: "Ringway", Title: "A value that was never asked for was never decoded: decodes and allocations are counted",
		Tests: []Place{
			{"envmap/values_test.go", []string{"TestOnlyWhatIsTouchedIsDecoded"}}, {"envmap/alloc_test.go", []string{"TestAllocationBudget"}},
			{"envmap/bench_test.go", []string{"BenchmarkEnv", "BenchmarkHTTPRequest", "BenchmarkMap"}},
		},
	},
}
