package envmap_test

import (
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// FuzzRequestBlock gives an Env any bytes as its request block: errors are fine, a panic is not.
func FuzzRequestBlock(f *testing.F) {
	for _, r := range []envtest.Request{
		{}, typical, {Method: "M", Target: "http://a/?b", HTTPS: true, Unix: true}, {Method: "HEAD", Old: true},
	} {
		f.Add(r.Block())
	}
	f.Add([]byte{})
	runner := envmap.NewRunner(func(env envmap.Env) error {
		touchAll(env)
		_ = env.RequestHeaders().Set("x", "y")
		touchAll(env)
		_, err := env.WriteString(env.Path())
		return err
	})
	f.Fuzz(func(t *testing.T, block []byte) {
		x := envtest.NewExchangeOf(block)
		err := runner.Run(x)
		if !x.Ended() {
			t.Error("the exchange did not end")
		}
		if (err == nil) != x.Clean() {
			t.Errorf("Run: %v, aborted: %v", err, x.Aborted)
		}
		if _, ok := err.(*envmap.PanicError); ok {
			t.Error(err)
		}
	})
}

func touchAll(env envmap.Env) {
	for _, key := range envmap.KnownNames {
		env.Has(key)
	}
	for range env.All() {
	}
	for name := range env.RequestHeaders().All() {
		env.Header(name)
		env.HeaderBytes(name)
		env.RequestHeaders().Values(name)
	}
	env.Header("")
	env.Header("Host")
	env.MethodBytes()
	env.PathBytes()
	env.QueryBytes()
	env.ContentLength()
	env.Target()
}
