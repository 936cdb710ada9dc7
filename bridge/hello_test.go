package bridge

import (
	"io"
	"net/http"
	"testing"

	"ringway/envmap"
	"ringway/ring/ringtest"
)

var hello = handle(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "Hello, World!")
})

func helloEnv(e envmap.Env) error {
	_ = e.SetHeader("Content-Type", "text/plain")
	_, err := e.WriteString("Hello, World!")
	return err
}

func TestHello(t *testing.T) {
	for _, d := range []Dispatch{Auto, Inline, Pool(2)} {
		for _, env := range []bool{false, true} {
			name := d.String()
			if env {
				name += "/env"
			}
			t.Run(name, func(t *testing.T) {
				var app envmap.App
				h := hello
				if env {
					app, h = helloEnv, nil
				}
				x := newHarness(t, testGeometry, h, app, WithDispatch(d))
				for range 300 {
					a := x.do(t, ringtest.Request{})
					if a.Status != 200 || string(a.Body) != "Hello, World!" || a.Total != 13 || a.Events != 1 || a.Get("Content-Type") != "text/plain" {
						t.Fatalf("%+v", a)
					}
				}
				x.settled(t)
			})
		}
	}
}
