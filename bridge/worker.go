package bridge

import (
	"net/http"

	"ringway/envmap"
)

// worker is what Serve runs, over any number of attachments one after the other, and two while a gateway is upgraded.
type worker struct {
	opts    *options
	handler http.Handler   // nil for an environment application
	env     *envmap.Runner // nil for a handler, and before the application has started
	startup envmap.Startup // makes env at the first attachment; nil for a handler
	server  *http.Server   // the value of http.ServerContextKey
	remotes remotes

	properties *envmap.Properties // nil before the application has started
}

func newWorker(opts *options, handler http.Handler, env *envmap.Runner) *worker {
	return &worker{opts: opts, handler: handler, env: env, server: &http.Server{Handler: handler}}
}

// run calls the handler for a claimed exchange and publishes its last event (L4).
func (w *worker) run(ex *exchange, x *httpExchange) {
	if x != nil {
		w.runHTTP(ex, x)
	} else {
		w.runEnv(ex)
	}
}
