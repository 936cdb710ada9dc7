package envhttp

import (
	"errors"
	"log"
	"net/http"

	"ringway/envmap"
)

// Handler returns app as an http.Handler. A response that cannot be completed is cut off, as by http.ErrAbortHandler; what went
// wrong goes to the http.Server's ErrorLog.
func Handler(app envmap.App) http.Handler {
	return handler{app, envmap.NewRunner(app)}
}

type handler struct {
	app    envmap.App
	runner *envmap.Runner
}

// ServeHTTP implements http.Handler.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l, ok := r.Context().Value(linkKey{}).(*link); ok {
		l.inner(h.app, w, r)
		return
	}
	x, err := newExchange(w, r)
	if err != nil {
		logError(r, err)
		http.Error(w, "Bad Request", http.StatusBadRequest)
		return
	}
	err = h.runner.Run(x)
	x.untie()
	if err != nil && !errors.Is(err, envmap.ErrAbort) {
		logError(r, err)
	}
	if x.cut != nil {
		panic(http.ErrAbortHandler)
	}
}

func logError(r *http.Request, err error) {
	const format = "envhttp: %s %q: %v"
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		server.ErrorLog.Printf(format, r.Method, r.RequestURI, err)
		return
	}
	log.Printf(format, r.Method, r.RequestURI, err)
}
