package envmap_test

import (
	"errors"
	"io"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// TestNoNewOwinKeys: an application assigns those that OWIN defines, and no others.
func TestNoNewOwinKeys(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for _, key := range []string{"owin.Own", "owin.", "owin.requestpath"} {
			for what, err := range map[string]error{"Set": env.Set(key, 1), "Add": env.Add(key, 1)} {
				if !errors.Is(err, envmap.ErrReservedKey) || env.Has(key) {
					t.Errorf("%s of %s: %v, there: %v", what, key, err, env.Has(key))
				}
			}
		}
		for _, key := range []string{"owinOwn", "Owin.Own", envmap.KeyRequestUser, envmap.KeyResponseProtocol} {
			if err := env.Set(key, "x"); err != nil || !env.Has(key) {
				t.Errorf("%s: %v", key, err)
			}
		}
	})
}

// TestEmptyEqualsAbsent: a nil of any type is no value, nor is an empty string under an extension key.
func TestEmptyEqualsAbsent(t *testing.T) {
	inside(t, typical, func(env envmap.Env) {
		for _, key := range []string{"my.Key", envmap.KeyRemotePort, envmap.KeyClientCertificate} {
			for _, none := range []any{nil, "", (*int)(nil), []int(nil), map[string]int(nil), (func())(nil), (chan int)(nil)} {
				_ = env.Set(key, "x")
				equal(t, "there", env.Has(key), true)
				_ = env.Set(key, none)
				equal(t, "there without a value", env.Has(key), false)
			}
		}
		_ = env.Set(envmap.KeyRequestBody, (*io.SectionReader)(nil))
		equal(t, "a nil body is there", env.Has(envmap.KeyRequestBody), false)
		_ = env.Set(envmap.KeyRequestQueryString, "")
		equal(t, "an empty query is there", env.Has(envmap.KeyRequestQueryString), true)
		_ = env.Set("my.Key", []int{})
		equal(t, "an empty list is there", env.Has("my.Key"), true)
	})
}

func TestRequestID(t *testing.T) {
	for id, want := range map[string]bool{"0123456789abcdef": true, "": false} {
		r := envtest.Request{Fields: []envmap.Field{{Name: "X-Request-ID", Value: id}}}
		inside(t, r, func(env envmap.Env) {
			v, ok := env.Get(envmap.KeyRequestID)
			equal(t, "there", ok, want)
			equal(t, "RequestID", env.RequestID(), id)
			if ok {
				equal(t, "value", v, any(id))
			}
		})
	}
}

func TestResponseProtocol(t *testing.T) {
	x := inside(t, envtest.Request{}, func(env envmap.Env) {
		equal(t, "there", env.Has(envmap.KeyResponseProtocol), false)
		_ = env.Set(envmap.KeyResponseProtocol, "HTTP/1.0")
		v, _ := env.Get(envmap.KeyResponseProtocol)
		equal(t, "value", v, any("HTTP/1.0"))
		_ = env.Flush()
		equal(t, "too late", env.Set(envmap.KeyResponseProtocol, "HTTP/1.1"), envmap.ErrSealed)
	})
	equal(t, "status", x.Status, 200)
}
