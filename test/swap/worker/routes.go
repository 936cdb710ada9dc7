package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"ringway/bridge"
	"ringway/envmap"
)

// told is the answer of /again.
type told struct {
	Pid     int `json:"pid"`
	Attempt any `json:"attempt"` // the field's values, or the environment's
}

func wait(query url.Values) {
	ms, _ := strconv.Atoi(query.Get("ms"))
	time.Sleep(time.Duration(ms) * time.Millisecond)
}

// post gives the answer to /post.
func post(query url.Values) ([]byte, error) {
	if err := note(query.Get("id")); err != nil {
		return nil, err
	}
	wait(query)
	return []byte(query.Get("id")), nil
}

// again notes that a handler has begun, and lets the first wait for its end.
func again(done <-chan struct{}, query url.Values, first bool) error {
	if err := note(query.Get("id")); err != nil {
		return err
	}
	if first && query.Has("wait") {
		<-done
	}
	return nil
}

// named gives the answer to /named: its request's name in so many bytes.
func named(query url.Values) []byte {
	n, _ := strconv.Atoi(query.Get("n"))
	line := query.Get("id") + "\n"
	return []byte(strings.Repeat(line, n/len(line)+1)[:n])
}

// hold gives the answer to /hold once the request is cancelled.
func hold(ctx context.Context, query url.Values) (string, error) {
	id := query.Get("id")
	if err := note("begun " + id); err != nil {
		return "", err
	}
	<-ctx.Done()
	return id, note("cancelled " + id)
}

func handler(others http.Handler) http.Handler {
	routes := http.NewServeMux()
	routes.Handle("/", others)
	routes.HandleFunc("POST /post", func(w http.ResponseWriter, r *http.Request) {
		id, err := post(r.URL.Query())
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(id)
	})
	routes.HandleFunc("/again", func(w http.ResponseWriter, r *http.Request) {
		attempt := r.Header.Values(bridge.AttemptHeader)
		if err := again(r.Context().Done(), r.URL.Query(), attempt == nil); err != nil {
			panic(err)
		}
		_ = json.NewEncoder(w).Encode(told{os.Getpid(), attempt})
	})
	routes.HandleFunc("/named", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(named(r.URL.Query())) })
	routes.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		id, err := hold(r.Context(), r.URL.Query())
		if err != nil {
			panic(err)
		}
		_, _ = w.Write([]byte(id))
	})
	routes.HandleFunc("/self", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(self()) })
	return routes
}

func app(others envmap.App) envmap.App {
	return func(env envmap.Env) error {
		query, _ := url.ParseQuery(env.Query())
		switch env.Path() {
		case "/post":
			id, err := post(query)
			if err != nil {
				return err
			}
			return env.Reply(http.StatusOK).Text(string(id))
		case "/again":
			attempt, _ := env.Get(envmap.KeyAttempt)
			if err := again(env.Context().Done(), query, attempt == 0); err != nil {
				return err
			}
			return env.Reply(http.StatusOK).JSON(told{os.Getpid(), attempt})
		case "/named":
			_, err := env.Write(named(query))
			return err
		case "/hold":
			value, _ := env.Get(envmap.KeyCallCancelled)
			ctx, ok := value.(context.Context)
			if !ok {
				return fmt.Errorf("%s is a %T, expected a context", envmap.KeyCallCancelled, value)
			}
			id, err := hold(ctx, query)
			if err != nil {
				return err
			}
			return env.Reply(http.StatusOK).Text(id)
		case "/self":
			return env.Reply(http.StatusOK).JSON(self())
		}
		return others(env)
	}
}

func self() any {
	debug.FreeOSMemory() // collects
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return map[string]any{"pid": os.Getpid(), "goroutines": runtime.NumGoroutine(), "heap": m.HeapAlloc}
}
