package envmap_test

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

func TestProperties(t *testing.T) {
	address := envmap.Address("http", "127.0.0.1", "8080", "")
	p := envmap.NewProperties(io.Discard, address)
	want := []string{
		envmap.KeyAddresses, envmap.KeyTraceOutput, envmap.KeyVersion, envmap.KeyCapabilities, envmap.KeyOnDispose,
		envmap.KeyOnInit,
	}
	if got := p.Keys(); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	v, _ := p.Get(envmap.KeyVersion)
	equal(t, "version", v, any("1.0"))
	if got := p.Addresses(); len(got) != 1 || !reflect.DeepEqual(got[0], map[string]string{"scheme": "http", "host": "127.0.0.1", "port": "8080", "path": ""}) {
		t.Errorf("addresses %v", got)
	}
	p.Set("my.Key", 1)
	v, ok := p.Get("my.Key")
	equal(t, "my.Key", v, any(1))
	equal(t, "there", ok, true)
	for _, none := range []any{nil, "", (*int)(nil)} {
		p.Set("my.Key", 1)
		p.Set("my.Key", none)
		_, ok = p.Get("my.Key")
		equal(t, "there without a value", ok, false)
	}
}

// TestCapabilitiesAreTheSameInstance as at start-up in each request.
func TestCapabilitiesAreTheSameInstance(t *testing.T) {
	p := envmap.NewProperties(io.Discard)
	p.Capabilities()["my.Version"] = "1.0"
	runner := envmap.NewRunner(func(env envmap.Env) error {
		v, ok := env.Get(envmap.KeyCapabilities)
		equal(t, "there", ok, true)
		equal(t, "same", reflect.ValueOf(v).Pointer(), reflect.ValueOf(p.Capabilities()).Pointer())
		trace, _ := env.Get(envmap.KeyTraceOutput)
		equal(t, "trace", trace, any(io.Discard))
		return nil
	}).Provide(p)
	if err := runner.Run(envtest.NewExchange(t.Context(), envtest.Request{})); err != nil {
		t.Error(err)
	}
}

func TestInit(t *testing.T) {
	p := envmap.NewProperties(nil)
	var order []string
	register, _ := p.Get(envmap.KeyOnInit)
	for _, name := range []string{"a", "b"} {
		register.(func(func(context.Context) error))(func(ctx context.Context) error {
			order = append(order, name)
			return ctx.Err()
		})
	}
	if err := p.Init(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "order", strings.Join(order, ""), "ab")
	if err := p.Init(t.Context()); err != nil || len(order) != 2 {
		t.Errorf("a second time: %v, %v", err, order)
	}
	for name, fail := range map[string]func() error{
		"error": func() error { return io.EOF },
		"panic": func() error { panic(io.EOF) },
	} {
		p.OnInit(func(context.Context) error { return fail() })
		p.OnInit(func(context.Context) error { t.Error("called after one that failed"); return nil })
		if err := p.Init(t.Context()); !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "server.OnInit") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDispose(t *testing.T) {
	p := envmap.NewProperties(nil)
	v, _ := p.Get(envmap.KeyOnDispose)
	ctx := v.(context.Context)
	var order []string
	p.OnDispose(func() { order = append(order, "a") })
	p.OnDispose(func() { panic(io.EOF) })
	p.OnDispose(func() {
		equal(t, "cancelled", ctx.Err(), context.Canceled)
		order = append(order, "b")
	})
	equal(t, "cancelled before", ctx.Err(), nil)
	if err := p.Dispose(); !errors.Is(err, io.EOF) {
		t.Errorf("Dispose: %v", err)
	}
	equal(t, "order", strings.Join(order, ""), "ba")
	if err := p.Dispose(); err != nil || len(order) != 2 {
		t.Errorf("a second time: %v, %v", err, order)
	}
}
