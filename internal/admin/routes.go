package admin

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/pprof"
	"slices"
	"strconv"
	"strings"

	"ringway/internal/engine"
)

// route is a path with a method; the table is also what /openapi.json is made of.
type route struct {
	method  string
	path    string // a pattern of http.ServeMux
	summary string
	query   []parameter
	body    any    // of an order: a value of the type that is decoded; nil: none
	answer  any    // a value of the type that is encoded; nil: none that has a schema
	kind    string // media type of the answer
	status  []int  // besides 200, and besides what the guard answers
	handler http.HandlerFunc
}

// parameter is a query parameter, or a segment of the path.
type parameter struct {
	name, in, text string
	schema         map[string]any
}

const (
	kindJSON   = "application/json"
	kindLines  = "application/x-ndjson"
	kindEvents = "text/event-stream"
	kindText   = "text/plain"
)

func routes(host Host) []route {
	get := func(path, summary string, body any, handler http.HandlerFunc, status ...int) route {
		return route{method: http.MethodGet, path: path, summary: summary, answer: body, kind: kindJSON, handler: handler, status: status}
	}
	post := func(path, summary string, body any, handler http.HandlerFunc) route {
		return route{
			method: http.MethodPost, path: path, summary: summary, body: body, answer: Progress{}, kind: kindLines, handler: handler,
			status: []int{http.StatusBadRequest, http.StatusConflict, http.StatusUnsupportedMediaType},
		}
	}
	all := []route{
		get("/stats", "Everything that the gateway counts and knows of itself", Snapshot{}, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, host.Snapshot())
		}),
		{
			method: http.MethodGet, path: "/stats/{part}", summary: "One part of it, by its name there", kind: kindJSON,
			query:   []parameter{{"part", "path", "the name of a member of /stats", map[string]any{"type": "string", "enum": slices.Sorted(maps.Keys(parts))}}},
			status:  []int{http.StatusNotFound},
			handler: func(w http.ResponseWriter, r *http.Request) { answerPart(host, w, r) },
		},
		get("/workers", "The workers that are attached", []Worker{}, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, host.Snapshot().Workers)
		}),
		get("/releases", "The builds of the worker, the past ones too", []Release{}, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, host.Snapshot().Releases)
		}),
		{
			method: http.MethodGet, path: "/requests", summary: "The requests in flight, up to a limit", answer: InFlight{}, kind: kindJSON,
			query: []parameter{{"limit", "query", "how many are listed at most", map[string]any{
				"type": "integer", "minimum": 1, "maximum": maxRequests, "default": defaultRequests}}},
			status:  []int{http.StatusBadRequest, http.StatusServiceUnavailable},
			handler: func(w http.ResponseWriter, r *http.Request) { listRequests(host, w, r) },
		},
		get("/config", "The configuration in force, each value with its origin", Configuration{}, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, host.Configuration())
		}),
		get("/loglevel", "The least level of what is logged", LogLevel{}, func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, LogLevel{host.LogLevel().Level().String()})
		}),
		{
			method: http.MethodPut, path: "/loglevel", summary: "Changes it, until the gateway ends", body: LogLevel{}, answer: LogLevel{}, kind: kindJSON,
			status:  []int{http.StatusBadRequest, http.StatusUnsupportedMediaType},
			handler: func(w http.ResponseWriter, r *http.Request) { setLogLevel(host.LogLevel(), w, r) },
		},
		get("/healthz", "200 as long as the process lives", Health{}, health(func() string { return "" })),
		get("/readyz", "503 while no clients should be sent here", Health{}, health(host.Ready), http.StatusServiceUnavailable),
		{
			method: http.MethodGet, path: "/events", summary: "Changes of state as they come, and a sample of the statistics each second",
			answer: nil, kind: kindEvents, status: []int{http.StatusServiceUnavailable}, handler: newFeed(host).serve,
		},
		{
			method: http.MethodGet, path: "/metrics", summary: "Metrics for Prometheus", kind: kindText, handler: metricsHandler(host).ServeHTTP,
		},
		post("/swap", "Gives the requests to the workers of a program, once they are ready", SwapOrder{}, order(func(o SwapOrder, watch func(Progress)) error {
			return host.Swap(o.Program, o.Args, watch)
		})),
		post("/rollback", "Makes the release active again that was active before", struct{}{}, order(func(_ struct{}, watch func(Progress)) error {
			return host.Rollback(watch)
		})),
		post("/drain", "Lets a worker finish what it has and end; 0: the gateway, after the drain delay", DrainOrder{}, order(func(o DrainOrder, watch func(Progress)) error {
			if err := host.Drain(o.Worker); err != nil {
				return err
			}
			watch(Progress{Step: "draining", Done: true})
			return nil
		})),
		post("/stop", "Ends the gateway without that delay", struct{}{}, order(func(_ struct{}, watch func(Progress)) error {
			host.StopNow()
			watch(Progress{Step: "draining", Done: true})
			return nil
		})),
		post("/upgrade", "Starts another gateway and hands everything over to it", UpgradeOrder{}, order(func(o UpgradeOrder, watch func(Progress)) error {
			return host.Upgrade(o.Program, watch)
		})),
	}
	return append(all, profiles()...)
}

// profiles are those of the Go half (net/http/pprof).
func profiles() []route {
	profile := func(path, summary, kind string, handler http.HandlerFunc) route {
		return route{method: http.MethodGet, path: path, summary: summary, kind: kind, handler: handler}
	}
	return []route{
		profile("/debug/pprof/", "The profiles of the Go half that there are", "text/html", pprof.Index),
		profile("/debug/pprof/profile", "Where the Go half spends processor time", "application/octet-stream", pprof.Profile),
		profile("/debug/pprof/trace", "What the Go half does when", "application/octet-stream", pprof.Trace),
		profile("/debug/pprof/symbol", "Names of addresses", kindText, pprof.Symbol),
	}
}

// Handler answers the admin requests; who may send them is for the guard around it.
func Handler(host Host) http.Handler {
	mux := http.NewServeMux()
	all := routes(host)
	methods := make(map[string][]string)
	for _, r := range all {
		mux.HandleFunc(r.method+" "+r.path, r.handler)
		methods[r.path] = append(methods[r.path], r.method)
	}
	description := describe(all)
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, description) })
	methods["/openapi.json"] = []string{http.MethodGet}
	for pattern, name := range consolePaths {
		mux.HandleFunc("GET "+pattern, consoleFile(name))
		methods[pattern] = []string{http.MethodGet}
	}
	for path, allowed := range methods {
		if strings.HasPrefix(path, "/debug/") {
			continue // one of them is a pattern of the others
		}
		if slices.Contains(allowed, http.MethodGet) {
			allowed = append(allowed, http.MethodHead)
		}
		slices.Sort(allowed)
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			fail(w, http.StatusMethodNotAllowed, CodeMethod, fmt.Sprintf("method %.32q, expected %s", r.Method, strings.Join(allowed, " or ")))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, CodeUnknown, fmt.Sprintf("no path %.64q, expected one that /openapi.json tells", r.URL.Path))
	})
	return mux
}

const (
	defaultRequests = 100
	maxRequests     = 10000
)

// InFlight is the answer of GET /requests.
type InFlight struct {
	Total    int              `json:"total"` // also those that are not listed
	Requests []engine.Request `json:"requests"`
}

func listRequests(host Host, w http.ResponseWriter, r *http.Request) {
	limit := defaultRequests
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxRequests {
			fail(w, http.StatusBadRequest, CodeBadQuery, fmt.Sprintf("limit is %.32q, expected 1 to %d", text, maxRequests))
			return
		}
	}
	requests, total, err := host.Requests(limit)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, CodeUnavailable, err.Error())
		return
	}
	answer(w, http.StatusOK, InFlight{total, requests})
}
