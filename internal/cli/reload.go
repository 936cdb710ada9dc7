package cli

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"ringway/internal/admin"
	"ringway/internal/gateway"
)

// running is a configuration in force.
type running struct {
	in      *input
	options *options
	given   map[string]string // values by key, as the operator gave them
	values  map[string]string // with those that follow from others filled in
	settled *settled
	all     []admin.Value // for people
}

func newRunning(in *input) (*running, error) {
	o, f, err := in.build()
	if err != nil {
		return nil, err
	}
	// Before settle fills in what follows from others: that would count as changed with them.
	given := valuesOf(f)
	s, err := settle(o, f)
	if err != nil {
		return nil, err
	}
	return &running{in, o, given, valuesOf(f), s, in.told(f)}, nil
}

func valuesOf(f *pflag.FlagSet) map[string]string {
	values := make(map[string]string)
	for _, name := range keyNames(f) {
		values[name] = f.Lookup(name).Value.String()
	}
	return values
}

// changer is the gateway as a reload sees it.
type changer interface {
	Change(gateway.Live) error
	Configured(admin.Configuration)
}

// reloader reads the configuration again while the gateway runs.
type reloader struct {
	gateway changer
	log     *logs

	mu      sync.Mutex
	current *running
	state   admin.Config
}

func newReloader(current *running, gateway changer, log *logs) *reloader {
	r := &reloader{gateway: gateway, log: log, current: current}
	r.state = admin.Config{File: current.in.file, Loaded: time.Now(), NeedsRestart: []string{}}
	r.tell()
	return r
}

func (r *reloader) tell() {
	r.gateway.Configured(admin.Configuration{Config: r.state, Values: r.current.all})
}

var errNoFile = errors.New("no configuration file was given (--config), so there is nothing to read again")

// Reload reads the file again, below the flags of the command line. What can change live changes; what cannot is named in
// the log. After an error everything is as it was. The log has been told of the outcome either way. Safe for concurrent use.
func (r *reloader) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current.in.file == "" {
		r.log.Info(errNoFile.Error())
		return errNoFile
	}
	err := r.reload()
	if err != nil {
		for _, problem := range lines(err) {
			r.log.Error("configuration is not reloaded, the one before stays in force", "error", problem.Error())
		}
		r.state.Failures++
		r.state.LastError = err.Error()
	} else {
		r.state.Reloads++
		r.state.LastError = ""
		r.state.Loaded = time.Now()
	}
	r.tell()
	return err
}

func (r *reloader) reload() error {
	read := *r.current.in
	if err := read.readFile(); err != nil {
		return err
	}
	next, err := newRunning(&read)
	if err != nil {
		return err
	}
	var live, fixed []string
	merged, in := next, next.in
	for _, name := range keyNames(serveFlags(&options{})) {
		if r.current.given[name] == next.given[name] {
			continue
		}
		if isLive(name, r.current, next) {
			live = append(live, name)
			continue
		}
		fixed = append(fixed, name)
		in = in.with(name, r.current.in)
	}
	if len(fixed) > 0 {
		// What changes has to fit what stays.
		if merged, err = newRunning(in); err != nil {
			return err
		}
	}
	if err := r.gateway.Change(merged.settled.live()); err != nil {
		return err
	}
	r.log.setFormat(merged.settled.logFormat)
	if slices.Contains(live, logLevelFlag) { // else one that was set meanwhile stays
		r.log.level.Set(merged.settled.logLevel)
	}
	for _, name := range live {
		r.log.Info("configuration value changed", "key", name, "old", r.current.values[name], "new", next.values[name])
	}
	for _, name := range fixed {
		r.log.Warn("configuration value needs a restart", "key", name, "running", r.current.values[name], "file", next.values[name])
	}
	r.log.Info("configuration reloaded", "file", in.file, "changed", len(live), "need_restart", len(fixed))
	r.current = merged
	r.state.NeedsRestart = append([]string{}, fixed...)
	return nil
}

// live is the part that can change while the gateway runs.
func (s *settled) live() gateway.Live {
	return gateway.Live{
		Settings: s.engine.Settings, SocketUsers: s.gateway.SocketUsers, MaxWorkers: s.gateway.MaxWorkers,
		MemoryLimit: s.gateway.MemoryLimit, DrainDelay: s.gateway.DrainDelay, DrainLimit: s.gateway.DrainLimit, Recycle: s.gateway.Recycle,
	}
}

// fixed is the rest, which another configuration must have in common.
func (s *settled) fixed() settled {
	rest := *s
	rest.logFormat, rest.logLevel = "", 0
	rest.engine.Settings = (&settled{}).engine.Settings
	rest.gateway.SocketUsers, rest.gateway.MaxWorkers, rest.gateway.MemoryLimit, rest.gateway.DrainLimit = nil, 0, 0, 0
	rest.gateway.DrainDelay = 0
	rest.gateway.Recycle = gateway.Recycle{}
	return rest
}

// isLive finds out by trial whether changing one key alone, in either direction, touches nothing but what can change
// live. So a new flag needs no entry in a list. One that shows nowhere in the settled configuration is not live: nobody
// would learn of the change.
func isLive(name string, from, to *running) bool {
	for _, trial := range []struct{ base, other *running }{{from, to}, {to, from}} {
		changed, err := newRunning(trial.base.in.with(name, trial.other.in))
		if err != nil {
			continue // contradicts what it depends on
		}
		return !reflect.DeepEqual(changed.settled, trial.base.settled) &&
			reflect.DeepEqual(changed.settled.fixed(), trial.base.settled.fixed())
	}
	return false
}

// parse reads a command line as serve does.
func parse(args []string) (*options, *pflag.FlagSet, error) {
	in, err := readInput(args)
	if err != nil {
		return nil, nil, err
	}
	return in.build()
}
