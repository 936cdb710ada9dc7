package bridge

import (
	"context"
	"net/http"
	"testing"
	"time"

	"ringway/envmap"
	"ringway/ring/ringtest"
)

func TestRequestInfo(t *testing.T) {
	for name, env := range map[string]bool{"handler": false, "environment": true} {
		t.Run(name, func(t *testing.T) {
			var got Info
			var known bool
			ask := func(ctx context.Context) {
				type key struct{}
				got, known = RequestInfo(context.WithValue(ctx, key{}, 1))
			}
			var handler http.Handler
			var app envmap.App
			if env {
				app = func(e envmap.Env) error { ask(e.Context()); return nil }
			} else {
				handler = handle(func(_ http.ResponseWriter, r *http.Request) { ask(r.Context()) })
			}
			x := newHarness(t, testGeometry, handler, app)
			x.lane.att.number = 7
			x.do(t, ringtest.Request{Attempt: 1})
			// The gateway of the tests does not tell when it published.
			if want := (Info{Worker: 7, Release: "test", Attempt: 1, Waited: -1}); !known || got != want {
				t.Errorf("%+v, %v, want %+v", got, known, want)
			}
		})
	}
	if _, known := RequestInfo(t.Context()); known {
		t.Error("a context of another server has an Info")
	}
}

func TestTimesThatCannotBeTrueAreUnknown(t *testing.T) {
	for _, test := range []struct {
		published, started uint64
		want               time.Duration
	}{{0, 5, -1}, {5, 0, -1}, {6, 5, -1}, {5, 5, 0}, {5, 9, 4}, {1 << 63, 1, -1}} {
		ex := exchange{publishedNs: test.published, startedNs: test.started}
		if got := ex.waited(); got != test.want {
			t.Errorf("published %d, started %d: %v, want %v", test.published, test.started, got, test.want)
		}
	}
}
