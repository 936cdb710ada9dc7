package envmap_test

import (
	"errors"
	"strings"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

func TestReply(t *testing.T) {
	long := strings.Repeat("long", envmap.BodyHeld)
	for name, c := range map[string]struct {
		app               envmap.App
		status            int
		contentType, body string
	}{
		"text":  {func(env envmap.Env) error { return env.Reply(201).Text("hi") }, 201, "text/plain; charset=utf-8", "hi"},
		"typed": {func(env envmap.Env) error { return env.Reply(200).Type("text/html").Text("<p>") }, 200, "text/html", "<p>"},
		"long":  {func(env envmap.Env) error { return env.Reply(200).Text(long) }, 200, "text/plain; charset=utf-8", long},
		"bytes": {func(env envmap.Env) error { return env.Reply(200).Bytes([]byte("b")) }, 200, "", "b"},
		"empty": {func(env envmap.Env) error { return env.Reply(204).Empty() }, 204, "", ""},
		"json": {
			func(env envmap.Env) error { return env.Reply(200).JSON(map[string]int{"a": 1}) },
			200, "application/json", `{"a":1}` + "\n",
		},
	} {
		x, err := envtest.Do(c.app, envtest.Request{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		equal(t, name+" status", x.Status, c.status)
		equal(t, name+" type", x.Header("content-type"), c.contentType)
		equal(t, name+" is the same", string(x.Body) == c.body, true)
		equal(t, name+" length", x.Length, int64(len(c.body)))
	}
}

func TestReplyReportsItsFirstError(t *testing.T) {
	inside(t, envtest.Request{}, func(env envmap.Env) {
		_, _ = env.WriteString("x")
		for what, err := range map[string]error{
			"Text": env.Reply(200).Header("A", "b").Text("x"), "JSON": env.Reply(200).JSON(1),
			"Empty": env.Reply(200).Type("x").Empty(),
		} {
			if !errors.Is(err, envmap.ErrSealed) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	x, err := envtest.Do(func(env envmap.Env) error { return env.Reply(200).JSON(make(chan int)) }, envtest.Request{})
	if err == nil || x.Status != 500 {
		t.Errorf("JSON of a channel: %v, %d", err, x.Status)
	}
}
