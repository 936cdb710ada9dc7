package cli

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/pflag"

	"ringway/internal/accesslog"
	"ringway/internal/listen"
)

// options are the flags of serve as given; settle makes a configuration of them.
type options struct {
	input             *input // what they were made of
	config            string
	test              bool
	listen            []string
	listenProxy       []string
	trusted           []string
	requestIDs        bool
	backlog           int
	unixMode          string
	admin             string
	socket            string
	socketUsers       []string
	worker            string
	workerArgs        []string
	workers           int
	workerUser        string
	workerRequests    int
	workerMemory      size
	workerAge         time.Duration
	breakerEnds       int
	breakerWindow     time.Duration
	breakerWait       time.Duration
	loops             int
	nativePaths       []string
	static            []string
	staticIndex       string
	staticCache       string
	serverName        string
	maxConnections    int
	clientConnections int
	maxRequests       int
	inFlight          int
	parkLimit         int
	queueDeadline     time.Duration
	spin              time.Duration
	drainDelay        time.Duration
	drainLimit        time.Duration
	readyWorkers      int
	readyLimit        time.Duration
	probe             string
	confirm           time.Duration
	stuckAfter        time.Duration
	stuckLimit        time.Duration
	requestTimeout    time.Duration
	headTimeout       time.Duration
	idleTimeout       time.Duration
	upgradeIdle       time.Duration
	bodyTimeout       time.Duration
	bodyRate          size
	sendTimeout       time.Duration
	sendRate          size
	pipelineDepth     int
	maxBody           size
	lineBytes         size
	headBytes         size
	fields            int
	keepUnderscores   bool
	exchanges         int
	ringSlots         int
	arenaSize         size
	maxWorkers        int
	memoryLimit       size
	logFormat         string
	logLevel          string
	adminTokenFile    string
	accessLog         string
	accessLogFormat   string
}

// adminOff is the value of --admin that switches the admin server off.
const adminOff = "off"

const logLevelFlag = "log-level"

// newFlags are those of a command; order and messages are this package's.
func newFlags(name string) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.SortFlags = false
	return f
}

func serveFlags(o *options) *pflag.FlagSet {
	f := newFlags("serve")

	o.maxBody, o.bodyRate, o.sendRate, o.lineBytes, o.headBytes = 64<<20, 256, 256, 8<<10, 32<<10

	f.StringVarP(&o.config, configFlag, "c", "", "`FILE` with the flags below as keys (TOML); those of the command line go before it; read again on SIGHUP")
	f.BoolVarP(&o.test, testFlag, "t", false, "test the configuration, say what is wrong with it, and end")
	f.StringArrayVar(&o.listen, "listen", []string{"127.0.0.1:8080"}, "`ADDR` for clients: "+listen.Expected+"; repeatable, port 0 takes any")
	f.StringArrayVar(&o.listenProxy, "listen-proxy", nil, "`ADDR` for proxies, like --listen: every connection begins with a PROXY header, version 1 or 2; repeatable; --listen has no default then")
	f.StringArrayVar(&o.trusted, "trusted", nil, "`NETWORK` of peers that may speak for others, such as 10.0.0.0/8, 192.0.2.1 or unix: X-Forwarded-* and the like are dropped from all others, who may not use --listen-proxy either; repeatable")
	f.BoolVar(&o.requestIDs, "request-id", true, "give each request an X-Request-Id, unless a peer in --trusted did")
	f.IntVar(&o.backlog, "backlog", 4096, "connections that may wait on each listening socket; the kernel lowers it to net.core.somaxconn")
	f.StringVar(&o.unixMode, "unix-mode", "", "access `MODE` of listening unix sockets, such as 0660 (default: what the umask leaves)")
	f.StringVar(&o.admin, "admin", defaultAdmin, "`ADDR` (HOST:PORT or unix:PATH) of the admin server, or "+adminOff)
	f.StringVar(&o.adminTokenFile, "admin-token-file", "", "`FILE` with the token that requests to the admin server have to bear; needed where other hosts reach it")
	f.StringVar(&o.socket, "socket", "", "`PATH` of the control socket (default: below $XDG_RUNTIME_DIR, /run or the temporary directory)")
	f.StringArrayVar(&o.socketUsers, "socket-user", nil, "`USER` (name or id) that may attach workers, besides the own user and root; repeatable")
	f.Var((*workerValue)(o), "worker", "`PATH` of the worker to start and supervise, its arguments after --; without it workers attach by themselves")
	f.IntVar(&o.workers, "workers", 1, "number of workers to start")
	f.StringVar(&o.workerUser, "worker-user", "", "`USER` (name or id) to run workers as")
	f.IntVar(&o.workerRequests, "worker-max-requests", 0, "requests after which a started worker is replaced by a fresh one, looked at each second; 0, here and for the next two: never")
	f.Var(&o.workerMemory, "worker-max-memory", "resident memory, segments included, beyond which a started worker is replaced")
	f.DurationVar(&o.workerAge, "worker-max-age", 0, "age at which a started worker is replaced, each a little (up to a tenth) earlier")
	f.IntVar(&o.breakerEnds, "breaker-ends", 10, "ends of a started worker that nobody asked for, within --breaker-window, after which it is not restarted at once any more; 0: it always is")
	f.DurationVar(&o.breakerWindow, "breaker-window", time.Minute, "time within which that many ends open the breaker; a life of 5s forgets those before")
	f.DurationVar(&o.breakerWait, "breaker-wait", 30*time.Second, "how long the worker then rests before each trial to start it")
	f.IntVar(&o.loops, "loops", max(1, processors/2), "number of event loops")
	f.StringArrayVar(&o.nativePaths, "native-path", nil, "`PATH=TEXT` that the gateway answers itself, such as /ping=pong; repeatable")
	f.StringArrayVar(&o.static, "static", nil, "`PREFIX=DIR` whose files the gateway serves itself for paths below PREFIX, such as /assets=./public; repeatable, the longest prefix wins")
	f.StringVar(&o.staticIndex, "static-index", "index.html", "`NAME` of the file that stands for its directory in --static")
	f.StringVar(&o.staticCache, "static-cache", "", "`TEXT` of the Cache-Control header of files, such as max-age=3600; empty leaves it out")
	f.StringVar(&o.serverName, "server-name", "ringway", "`TEXT` of the Server header; empty leaves it out")
	f.IntVar(&o.maxConnections, "max-connections", 65536, "open connections; further ones are answered 503")
	f.IntVar(&o.clientConnections, "client-connections", 0, "open connections of one client, an IPv4 address or IPv6 /64; 0, here and for the next two: no limit")
	f.IntVar(&o.maxRequests, "max-requests", 0, "requests that a connection may carry")
	f.IntVar(&o.inFlight, "in-flight", 0, "requests that a worker may have; those above are parked")
	f.IntVar(&o.parkLimit, "park-limit", 1024, "number of requests that each loop may hold while no worker can take them")
	f.DurationVar(&o.queueDeadline, "queue-deadline", 5*time.Second, "how long a request may wait before it is answered 503")
	f.DurationVar(&o.spin, "spin", 0, "how long a loop with few requests under way waits awake for an answer before it sleeps, at most 1ms")
	f.IntVar(&o.readyWorkers, "ready-workers", 1, "workers of a new release that have to be ready before it gets requests; of those that the gateway starts it is all of them")
	f.DurationVar(&o.readyLimit, "ready-limit", time.Minute, "how long that may take before the new release is given up")
	f.StringVar(&o.probe, "probe", "", "`PATH` that each worker of a new release has to answer well (200 to 399) before it gets requests")
	f.DurationVar(&o.confirm, "confirm", 3*time.Second, "how long the release before stands by, to take over again if the new one's workers end")
	f.DurationVar(&o.stuckAfter, "stuck-after", 2*time.Second, "how long a worker may take no requests that wait before others get them; 0: for ever")
	f.DurationVar(&o.stuckLimit, "stuck-limit", 30*time.Second, "how long a worker may be stuck before it is ended; 0: for ever")
	f.DurationVar(&o.drainDelay, "drain-delay", 0, "how long clients are still taken after TERM or the command drain, while /readyz of the admin server says 503")
	f.DurationVar(&o.drainLimit, "drain-limit", 30*time.Second, "how long requests in flight may take to finish when something stops")
	f.IntVar(&o.pipelineDepth, "pipeline-depth", 32, "number of requests of one connection that may be in a worker together")
	f.DurationVar(&o.requestTimeout, "request-timeout", 0, "how long a request may take until its answer begins, before it is answered 504; 0, here and below: without end")
	f.DurationVar(&o.headTimeout, "head-timeout", 10*time.Second, "how long a client may take for a whole request head")
	f.DurationVar(&o.idleTimeout, "idle-timeout", time.Minute, "how long a connection may rest between two requests")
	f.DurationVar(&o.upgradeIdle, "upgrade-idle", 0, "how long an upgraded connection (WebSocket) may rest; 0: no limit")
	f.DurationVar(&o.bodyTimeout, "body-timeout", 30*time.Second, "how long a client may send nothing of a request body")
	f.Var(&o.bodyRate, "body-rate", "what a request body must have per second on average, after one --body-timeout")
	f.DurationVar(&o.sendTimeout, "send-timeout", 30*time.Second, "how long a client may take nothing of its answer")
	f.Var(&o.sendRate, "send-rate", "what a client must take of its answer per second on average while some of it waits, after one --send-timeout")
	f.Var(&o.maxBody, "max-body", "largest request body")
	f.Var(&o.lineBytes, "line-bytes", "longest request line")
	f.Var(&o.headBytes, "head-bytes", "largest request header, all fields together")
	f.IntVar(&o.fields, "fields", 100, "largest number of request header fields")
	f.BoolVar(&o.keepUnderscores, "keep-underscores", false, "pass header fields on whose names hold an underscore")
	f.IntVar(&o.exchanges, "exchanges", 1024, "requests in flight per worker and loop, a power of two")
	f.IntVar(&o.ringSlots, "ring-slots", 0, "events per ring, a power of two (default: 4 for each exchange)")
	f.Var(&o.arenaSize, "arena-size", "bytes of bodies in flight per worker, loop and direction (default 16MiB, more with many exchanges; allocated in full when a worker attaches)")
	f.IntVar(&o.maxWorkers, "max-workers", 64, "workers that may be attached at a time")
	f.Var(&o.memoryLimit, "memory-limit", "memory of all workers' segments together (default: half of what this process may use)")
	f.StringVar(&o.logLevel, logLevelFlag, "info", "least `LEVEL` of what is logged: debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "`FORMAT` of the log on standard error: text or json")
	f.StringVar(&o.accessLog, "access-log", "", "`FILE` that gets a line for each request, or - for standard output; USR1 opens it again (default: none)")
	f.StringVar(&o.accessLogFormat, "access-log-format", accesslog.JSON, "`FORMAT` of the access log: json or combined")
	return f
}

// flagError says what is wrong with a flag of a command, and what was expected.
func flagError(command string, f *pflag.FlagSet, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &unknown):
		dashes := "--"
		if unknown.GetSpecifiedShortnames() != "" {
			dashes = "-"
		}
		return badInput("unknown flag %q, expected %sone that `gateway help %s` lists", dashes+unknown.GetSpecifiedName(), meant(f, dashes, unknown.GetSpecifiedName()), command)
	case errors.As(err, &missing):
		return badInput("flag --%s has no value, expected %s", missing.GetFlag().Name, expectedValue(missing.GetFlag()))
	case errors.As(err, &invalid):
		return badInput("--%s %q cannot be used, expected %s", invalid.GetFlag().Name, invalid.GetValue(), expectedValue(invalid.GetFlag()))
	}
	return badInput("%w, expected flags as `gateway help %s` lists them", err, command)
}

func expectedValue(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "int":
		return "a whole number"
	case "duration":
		return "a duration such as 30s or 1m30s"
	case sizeType:
		return "a size such as 65536, 64KiB or 8MiB"
	}
	name, _ := pflag.UnquoteUsage(flag)
	return name
}
