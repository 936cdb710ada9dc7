package cli

import (
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"ringway/internal/accesslog"
	"ringway/internal/control"
	"ringway/internal/engine"
	"ringway/internal/gateway"
	"ringway/internal/listen"
	"ringway/internal/supervisor"
	"ringway/ring"
)

// settled is what the flags come to.
type settled struct {
	gateway gateway.Config
	engine  engine.Config
	// socketMode is that of the directory of the control socket if the gateway has to make it: for its usual place; else 0.
	socketMode os.FileMode
	logFormat  string
	logLevel   slog.Level
}

// settle checks the flags and fills in what depends on others. It opens and makes nothing. A message about a flag names it
// first, as --NAME: that is how a value of the file is found again (see locate).
func settle(o *options, f *pflag.FlagSet) (*settled, error) {
	s, err := settleAll(o, f)
	if err != nil {
		return nil, o.input.locate(err)
	}
	return s, nil
}

func settleAll(o *options, f *pflag.FlagSet) (*settled, error) {
	for _, step := range []func() error{o.checkBounds, func() error { return o.checkTogether(f) }} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	geometry, err := o.geometry(f)
	if err != nil {
		return nil, err
	}
	trusted, trustUnix, err := networks(o.trusted)
	if err != nil {
		return nil, err
	}
	if len(o.listenProxy) > 0 && !f.Changed("listen") {
		o.listen = nil // a default that nobody asked for would be a way past the proxies
	}
	paths, err := nativePaths(o.nativePaths)
	if err != nil {
		return nil, err
	}
	mode, err := unixMode(o.unixMode)
	if err != nil {
		return nil, err
	}
	sites, types, err := o.staticSites(f)
	if err != nil {
		return nil, err
	}
	users, credential, err := o.users()
	if err != nil {
		return nil, err
	}
	program, err := o.program(credential)
	if err != nil {
		return nil, err
	}
	memory, err := o.memory(geometry)
	if err != nil {
		return nil, err
	}
	usual, socketMode := defaultSocket(len(users) > 0)
	if o.socket == "" {
		o.socket = usual
	} else if o.socket != usual {
		socketMode = 0
	}
	socket, err := filepath.Abs(o.socket)
	if err != nil {
		return nil, badInput("--socket %q: %w", o.socket, err)
	}
	var level slog.Level
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, o.logLevel) || level.UnmarshalText([]byte(o.logLevel)) != nil {
		return nil, badInput("--%s %q is unknown, expected debug, info, warn or error", logLevelFlag, o.logLevel)
	}
	admin := o.admin
	if admin == adminOff {
		admin = ""
	}
	return &settled{
		socketMode: socketMode, logFormat: o.logFormat, logLevel: level,
		gateway: gateway.Config{
			Listen: o.listen, ListenProxy: o.listenProxy, Backlog: o.backlog, UnixMode: mode, Admin: admin, Socket: socket, SocketUsers: users, Loops: o.loops, Geometry: geometry,
			MaxWorkers: o.maxWorkers, MemoryLimit: memory, Program: program, DrainDelay: o.drainDelay, DrainLimit: o.drainLimit,
			ReadyWorkers: o.readyWorkers, ReadyLimit: o.readyLimit, Probe: o.probe, Confirm: o.confirm, StuckLimit: o.stuckLimit, Version: version,
			Recycle: gateway.Recycle{Requests: uint64(o.workerRequests), Memory: int64(o.workerMemory), Age: o.workerAge},
			Breaker: supervisor.Breaker{Ends: o.breakerEnds, Window: o.breakerWindow, Wait: o.breakerWait},
		},
		engine: engine.Config{Loops: o.loops, Spin: o.spin, AccessLog: o.accessLog != "", Settings: engine.Settings{
			NativePaths: paths, ServerName: o.serverName,
			StaticSites: sites, StaticIndex: o.staticIndex, StaticCache: o.staticCache, MediaTypes: types,
			MaxConnections: o.maxConnections, ClientConnections: o.clientConnections, MaxRequests: o.maxRequests,
			PipelineDepth: o.pipelineDepth, InFlight: o.inFlight, ParkLimit: o.parkLimit,
			QueueDeadline: o.queueDeadline, RequestTimeout: o.requestTimeout, StuckAfter: o.stuckAfter, HeadTimeout: o.headTimeout,
			IdleTimeout: o.idleTimeout, UpgradeIdle: o.upgradeIdle, BodyTimeout: o.bodyTimeout, BodyRate: int(o.bodyRate), SendTimeout: o.sendTimeout, SendRate: int(o.sendRate),
			MaxBody: int64(o.maxBody), LineBytes: int(o.lineBytes), HeadBytes: int(o.headBytes), Fields: o.fields,
			KeepUnderscores: o.keepUnderscores, Trusted: trusted, TrustUnix: trustUnix, RequestIDs: o.requestIDs,
		}},
	}, nil
}

// checkTogether finds flags that mean nothing without another.
func (o *options) checkTogether(f *pflag.FlagSet) error {
	if o.logFormat != "text" && o.logFormat != "json" {
		return badInput("--log-format %q is unknown, expected text or json", o.logFormat)
	}
	if o.accessLogFormat != accesslog.JSON && o.accessLogFormat != accesslog.Combined {
		return badInput("--access-log-format %q is unknown, expected %s or %s", o.accessLogFormat, accesslog.JSON, accesslog.Combined)
	}
	if f.Changed("access-log") && o.accessLog == "" {
		return badInput("--access-log is empty, expected a path, or - for standard output")
	}
	if len(o.listen)+len(o.listenProxy) == 0 {
		return badInput("--listen is empty, expected %s", listen.Expected)
	}
	if o.admin == "" {
		return badInput("--admin is empty, expected HOST:PORT, unix:PATH or %s", adminOff)
	}
	if o.probe != "" && (!strings.HasPrefix(o.probe, "/") || strings.ContainsFunc(o.probe, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' })) {
		return badInput("--probe %q cannot be used, expected a path such as /healthz", o.probe)
	}
	if f.Changed("socket") && o.socket == "" {
		return badInput("--socket is empty, expected a path")
	}
	if strings.ContainsFunc(o.serverName, func(r rune) bool { return r < ' ' || r > '~' }) {
		return badInput("--server-name %q holds other characters, expected printable ASCII", o.serverName)
	}
	if o.worker != "" {
		return nil
	}
	if f.Changed("worker") {
		return badInput("--worker is empty, expected the path of an executable")
	}
	if len(o.workerArgs) > 0 {
		return badInput("arguments %q after --, expected --worker PATH before them", strings.Join(o.workerArgs, " "))
	}
	for _, name := range []string{"workers", "worker-user", "worker-max-requests", "worker-max-memory", "worker-max-age", "breaker-ends", "breaker-window", "breaker-wait"} {
		if f.Changed(name) {
			return badInput("--%s %s is of no use alone, expected --worker PATH with it", name, f.Lookup(name).Value)
		}
	}
	return nil
}

// geometry is the size of each worker's segments.
func (o *options) geometry(f *pflag.FlagSet) (ring.Geometry, error) {
	powerOfTwo := func(n int) bool { return n > 0 && n&(n-1) == 0 }
	if !powerOfTwo(o.exchanges) || o.exchanges > ring.MaxExchanges {
		return ring.Geometry{}, badInput("--exchanges %d cannot be used, expected a power of two up to %d", o.exchanges, ring.MaxExchanges)
	}
	if !f.Changed("ring-slots") {
		o.ringSlots = 4 * o.exchanges
	}
	if !powerOfTwo(o.ringSlots) || o.ringSlots < 4*o.exchanges || o.ringSlots > 16*ring.MaxExchanges {
		return ring.Geometry{}, badInput("--ring-slots %d cannot be used, expected a power of two from %d (4 for each of --exchanges) to %d",
			o.ringSlots, 4*o.exchanges, 16*ring.MaxExchanges)
	}
	const chunk = ring.ChunkUnits * ring.Unit
	lowest := o.lowestArena()
	if !f.Changed("arena-size") {
		o.arenaSize = max(16<<20, lowest)
	}
	unit, largest := size(chunk), size(ring.MaxArenaUnits*ring.Unit)
	if o.arenaSize < lowest || o.arenaSize > largest || o.arenaSize%unit != 0 {
		return ring.Geometry{}, badInput("--arena-size %s cannot be used, expected a multiple of %s from %s (8KiB for each of --exchanges, and room for the largest request head) to %s",
			&o.arenaSize, &unit, &lowest, &largest)
	}
	geometry := ring.Geometry{
		Lanes: o.loops, RingSlots: o.ringSlots, ExchangeSlots: o.exchanges, ArenaUnits: int(o.arenaSize) / ring.Unit,
	}
	if err := geometry.Validate(); err != nil {
		return ring.Geometry{}, badInput("%w", err)
	}
	return geometry, nil
}

// lowestArena is the smallest arena: each exchange owns its base window, and as much again is there to be handed out by
// demand. A lane without any exchange must have room for the block of the largest request head (all but a unit of its
// own base counts, see lane_send.c), or such requests would wait for ever.
func (o *options) lowestArena() size {
	const chunk = ring.ChunkUnits * ring.Unit
	head := binary.Size(ring.RequestHead{}) + o.fields*binary.Size(ring.Field{}) + int(o.lineBytes+o.headBytes) + len("\r\n\r\n")
	if o.requestIDs {
		head += binary.Size(ring.Field{}) + len("X-Request-Id") + 32 // its digits
	}
	block := ring.Unit
	for block < head {
		block *= 2
	}
	bases := o.exchanges * ring.BaseWindow
	lowest := max(2*bases, bases+block-(ring.BaseWindow-ring.Unit))
	return size((lowest + chunk - 1) / chunk * chunk)
}

// memory is the limit for all segments together. The workers that the gateway starts have to fit.
func (o *options) memory(geometry ring.Geometry) (int64, error) {
	if o.memoryLimit == 0 {
		total, err := control.MemoryTotal()
		if err != nil {
			return 0, badInput("--memory-limit has no default here (%w), expected a size", err)
		}
		o.memoryLimit = size(total / 2)
	}
	limit := o.memoryLimit
	workers, fresh := 1, 0
	if o.worker != "" {
		workers = o.workers
		if o.workerRequests > 0 || o.workerMemory > 0 || o.workerAge > 0 {
			fresh = 1 // serves before the one that it replaces is let go
		}
	}
	need := size(workers+fresh) * size(geometry.InboundSize()+geometry.OutboundSize())
	if need > limit {
		return 0, badInput("--memory-limit %s is too low, expected at least %s for the segments of %d workers (--workers, --arena-size, --exchanges, --loops; one more with --worker-max-*)", &limit, &need, workers+fresh)
	}
	if workers+fresh > o.maxWorkers {
		return 0, badInput("--workers %d do not fit, expected at most %d (--max-workers; one less with --worker-max-*)", workers, o.maxWorkers-fresh)
	}
	return int64(limit), nil
}

// unixMode reads an access mode; empty is 0.
func unixMode(text string) (os.FileMode, error) {
	if text == "" {
		return 0, nil
	}
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode == 0 || mode > 0o777 {
		return 0, badInput("--unix-mode %q cannot be used, expected an octal access mode such as 0660", text)
	}
	return os.FileMode(mode), nil
}

// nativePaths reads PATH=TEXT values.
func nativePaths(values []string) (map[string]string, error) {
	paths := make(map[string]string, len(values))
	for _, value := range values {
		path, text, found := strings.Cut(value, "=")
		if !found || !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, notInPath) {
			return nil, badInput("--native-path %q cannot be used, expected PATH=TEXT such as /ping=pong", value)
		}
		if _, twice := paths[path]; twice {
			return nil, badInput("--native-path %q: %s was given twice, expected each path once", value, path)
		}
		paths[path] = text
	}
	return paths, nil
}

func notInPath(r rune) bool { return r <= ' ' || r > '~' || r == '?' || r == '#' }
