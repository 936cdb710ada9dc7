package approutes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"ringway/envmap/envhttp"
)

// Handler returns the routes as an http.Handler.
func Handler(o Options) http.Handler { return handler{o} }

type handler struct{ Options }

// ServeHTTP implements http.Handler.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	switch r.URL.Path {
	case "/":
		w.Header().Set("Content-Type", textType)
		_, err = w.Write(helloBytes)
	case "/json":
		err = answerJSON(w, smallObject)
	case "/echo":
		err = echo(w, r)
	case "/bytes":
		err = h.bytes(w, r)
	case "/upload":
		err = upload(w, r)
	case "/sleep":
		err = sleep(w, r)
	case "/stream":
		err = stream(w, r)
	case "/headers":
		err = headers(w, r)
	case "/env":
		environment.ServeHTTP(w, r)
	case "/peer":
		err = answerJSON(w, peer(r))
	case "/status":
		err = status(w, r)
	case "/panic":
		panic(panicText)
	case "/pid":
		err = answerJSON(w, h.pid())
	case "/file":
		if r.URL.Query().Has("name") {
			err = h.named(w, r)
		} else {
			err = file(w, r)
		}
	case "/trailers":
		err = trailers(w, r)
	case "/hints":
		hints(w)
	case "/ws":
		err = webSocket(w, r)
	case "/opaque":
		err = opaque(w, r)
	default:
		answerText(w, http.StatusNotFound, fmt.Sprintf("no route %q\n", r.URL.Path))
	}
	if bad, ok := err.(badValue); ok {
		answerText(w, http.StatusBadRequest, bad.text+"\n")
	} else if err != nil {
		panic(http.ErrAbortHandler) // the client must not take what it got for the whole
	}
}

// environment is /env of the App: an environment is made of the request.
var environment = envhttp.Handler(envEnvironment)

func answerText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", textType)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that is gone needs no answer
}

func answerJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", jsonType)
	return json.NewEncoder(w).Encode(v)
}

func sleep(w http.ResponseWriter, r *http.Request) error {
	d, err := millis(r.URL.Query(), true)
	if err != nil {
		return err
	}
	if !pause(d, r.Context().Done()) {
		return r.Context().Err()
	}
	answerText(w, http.StatusOK, fmt.Sprintf("slept %v\n", d))
	return nil
}

func headers(w http.ResponseWriter, r *http.Request) error {
	all := r.Header.Clone()
	if all == nil {
		all = http.Header{}
	}
	all.Set("Host", r.Host)
	return answerJSON(w, all)
}

func peer(r *http.Request) peerAnswer {
	answer := peerAnswer{Remote: r.RemoteAddr, Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		answer.Scheme = "https"
	}
	return answer
}

func status(w http.ResponseWriter, r *http.Request) error {
	code, err := number(r.URL.Query(), "code", 200, 999)
	if err != nil {
		return err
	}
	if code == http.StatusNoContent || code == http.StatusNotModified {
		w.WriteHeader(int(code))
		return nil
	}
	answerText(w, int(code), "status "+strconv.FormatInt(code, 10)+"\n")
	return nil
}
