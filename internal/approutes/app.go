package approutes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"ringway/envmap"
)

// App returns the routes as an environment App.
func App(o Options) envmap.App { return app{o}.serve }

type app struct{ Options }

func (a app) serve(env envmap.Env) error {
	if err := a.route(env); err != nil {
		return failed(env, err)
	}
	return nil
}

// failed answers what is the client's fault.
func failed(env envmap.Env, err error) error {
	var bad badValue
	if errors.As(err, &bad) {
		return env.Reply(http.StatusBadRequest).Type(textType).Text(bad.text + "\n")
	}
	return err
}

func (a app) route(env envmap.Env) error {
	switch string(env.PathBytes()) {
	case "/":
		return env.Reply(http.StatusOK).Type(textType).Text(helloText)
	case "/json":
		return env.Reply(http.StatusOK).JSON(smallObject)
	case "/echo":
		return envEcho(env)
	case "/bytes":
		return envBytes(env)
	case "/upload":
		return envUpload(env)
	case "/sleep":
		return envSleep(env)
	case "/stream":
		return envStream(env)
	case "/headers":
		return envHeaders(env)
	case "/env":
		return envEnvironment(env)
	case "/peer":
		return env.Reply(http.StatusOK).JSON(peerAnswer{Remote: env.RemoteIP(), Scheme: env.Scheme(), Host: env.Header("host")})
	case "/status":
		return envStatus(env)
	case "/ws":
		return envWebSocket(env)
	case "/opaque":
		return envOpaque(env)
	case "/file":
		if q := query(env); q.Has("name") {
			return a.named(env, q)
		}
		return notFound(env)
	case "/panic":
		panic(panicText)
	case "/pid":
		return env.Reply(http.StatusOK).JSON(a.pid())
	default:
		return notFound(env)
	}
}

func notFound(env envmap.Env) error {
	return env.Reply(http.StatusNotFound).Type(textType).Text(fmt.Sprintf("no route %q\n", env.PathBytes()))
}

// query is lenient as net/http is: what cannot be parsed is not there.
func query(env envmap.Env) url.Values {
	values, _ := url.ParseQuery(env.Query())
	return values
}

func envSleep(env envmap.Env) error {
	d, err := millis(query(env), true)
	if err != nil {
		return err
	}
	ctx := env.Context()
	if !pause(d, ctx.Done()) {
		return context.Cause(ctx)
	}
	return env.Reply(http.StatusOK).Type(textType).Text(fmt.Sprintf("slept %v\n", d))
}

func envHeaders(env envmap.Env) error {
	all := http.Header{}
	for name, values := range env.RequestHeaders().All() {
		all[http.CanonicalHeaderKey(name)] = values
	}
	return env.Reply(http.StatusOK).JSON(all)
}

func envStatus(env envmap.Env) error {
	code, err := number(query(env), "code", 200, 999)
	if err != nil {
		return err
	}
	if code == http.StatusNoContent || code == http.StatusNotModified {
		return env.Reply(int(code)).Empty()
	}
	return env.Reply(int(code)).Type(textType).Text("status " + strconv.FormatInt(code, 10) + "\n")
}
