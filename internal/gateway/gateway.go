package gateway

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/admin"
	"ringway/internal/control"
	"ringway/internal/handover"
	"ringway/internal/listen"
)

// Gateway is a gateway that runs. Its exported methods are safe for concurrent use.
type Gateway struct {
	config     Config
	engine     Engine
	log        *slog.Logger
	started    time.Time
	listeners  []*listen.Listener
	unused     []*listen.Listener // handed over, until this gateway serves
	control    *control.Server
	admin      *admin.Server // nil if there is none
	mail       *mailbox
	refusals   *refusals
	configured atomic.Pointer[admin.Configuration] // nil where nobody has said
	journal    *admin.Journal
	stopping   chan struct{}
	done       chan struct{}
	serving    chan struct{} // closed when clients are accepted
	pid        int

	// reading is held shared while the engine's counters are read, which it must not be after its end.
	reading  sync.RWMutex
	unloaded bool

	// The rest belongs to the core.
	phase                 phase
	drainEnd              time.Time // when the drain limit of the stopping gateway passes
	cutting               bool
	killing               bool
	workers               map[uint64]*worker
	releases              []*release // in order of appearance
	active                *release   // nil before the first one is
	previous              *release   // active before; nil if none was
	swap                  *swap      // under way; nil if none is
	recycling             *recycling // likewise
	tally                 *tally
	lastRelease, lastCrew int
	lastRound             uint64         // of probes
	takeover              *takeover      // until this gateway serves in the place of another; nil if it need not wait
	upgrade               *upgrade       // under way; nil if none is
	attempt               *admin.Upgrade // the last one
	handed                bool           // another gateway has taken over
	failure               error          // why it ended, if it was not asked to
	successor             int            // before stopping is closed
}

// Start opens everything, starts the engine and the workers, and returns a gateway that serves. The engine belongs to
// it from then on; Done tells of its end. After an error nothing is left open and the engine is closed; the error is an
// *InputError if what the operator asked for cannot be had.
func Start(config Config, engine Engine, log *slog.Logger) (*Gateway, error) {
	g := &Gateway{
		config: config, engine: engine, log: log, started: time.Now(), mail: newMailbox(),
		refusals: newRefusals(log), journal: admin.NewJournal(), stopping: make(chan struct{}), done: make(chan struct{}), workers: make(map[uint64]*worker),
		serving: make(chan struct{}), pid: os.Getpid(), tally: newTally(),
	}
	if h := config.Handover; h != nil {
		g.takeover = &takeover{state: h.State, line: h.Line}
		g.tally.upgrades[upgradeSucceeded], g.tally.upgrades[upgradeFailed] = h.State.Upgrades, h.State.FailedUpgrades
	}
	if config.AccessLog != nil {
		config.AccessLog.Start(engine.AccessLog())
	}
	// Workers start before the engine: an executable that cannot start ends it all while little has begun. They wait at
	// the control socket until Serve.
	for _, step := range []func() error{g.open, g.startWorkers, g.startEngine} {
		if err := step(); err != nil {
			g.abandon()
			return nil, err
		}
	}
	if config.Program != nil {
		g.mail.after(recycleEvery, g.watchWorkers)
	}
	if g.takeover != nil {
		go g.followBefore(g.takeover.line)
	} else {
		g.startServing()
	}
	go g.run()
	go g.takeNotices()
	go g.control.Serve(host{g})
	return g, nil
}

// startServing: clients are accepted.
func (g *Gateway) startServing() {
	if g.admin != nil {
		go g.serveAdmin()
	}
	close(g.serving)
}

// Serving is closed when clients are accepted.
func (g *Gateway) Serving() <-chan struct{} { return g.serving }

// Successor is the process that has taken over; 0 if none has. Preconditions: Stopping is closed.
func (g *Gateway) Successor() int { return g.successor }

// Err is why the gateway ended, if nobody asked it to. Preconditions: Done is closed.
func (g *Gateway) Err() error { return g.failure }

// abandon undoes a start that failed.
func (g *Gateway) abandon() {
	for _, c := range g.crews() {
		c.supervisor.Hold()
		c.supervisor.SignalAll(unix.SIGKILL)
		<-c.supervisor.Done()
	}
	g.closeParts()
}

// URLs are the bound addresses for clients.
func (g *Gateway) URLs() []string { return g.urls(false) }

// ProxyURLs are the bound addresses for proxies.
func (g *Gateway) ProxyURLs() []string { return g.urls(true) }

func (g *Gateway) urls(proxy bool) (urls []string) {
	for _, listener := range g.listeners {
		if listener.Proxy == proxy {
			urls = append(urls, listener.URL)
		}
	}
	return urls
}

// AdminURL is the bound address of the admin server, empty if there is none.
func (g *Gateway) AdminURL() string {
	if g.admin == nil {
		return ""
	}
	return g.admin.URL()
}

// Stopping is closed when the end has begun.
func (g *Gateway) Stopping() <-chan struct{} { return g.stopping }

// Done is closed when everything has ended.
func (g *Gateway) Done() <-chan struct{} { return g.done }

// open opens whatever can fail because of the operator's input.
func (g *Gateway) open() error {
	if err := g.openListeners(); err != nil {
		return &InputError{err}
	}
	options := control.Config{
		Path: g.config.Socket, Users: g.config.SocketUsers, Geometry: g.config.Geometry,
		MaxWorkers: g.config.MaxWorkers, MemoryLimit: g.config.MemoryLimit,
		HelloTimeout: helloTimeout, ReadyTimeout: readyTimeout, Log: g.log, Addresses: g.URLs(),
	}
	if g.takeover != nil {
		options.Passed = &g.takeover.state.Control
	}
	var err error
	if g.control, err = control.Open(options); err != nil {
		return &InputError{err}
	}
	if err := g.openAdmin(); err != nil {
		return &InputError{err}
	}
	if g.admin != nil && !g.admin.Local() {
		g.log.Warn("the admin server can be reached from other hosts, and its token read on the way", "address", g.admin.URL())
	}
	return nil
}

func (g *Gateway) listenOptions() listen.Options {
	return listen.Options{Loops: g.config.Loops, Backlog: g.config.Backlog, UnixMode: g.config.UnixMode}
}

func (g *Gateway) openListeners() error {
	handed, err := g.handedListeners()
	if err != nil {
		return err
	}
	inherited := listen.Inherit()
	defer inherited.Close()
	defer handed.Close()
	for i, address := range slices.Concat(g.config.Listen, g.config.ListenProxy) {
		opened := handed.Find(address)
		switch {
		case len(opened) > 0:
		case listen.IsInherited(address):
			opened, err = inherited.Open(address)
		default:
			var listener *listen.Listener
			listener, err = listen.Open(address, g.listenOptions())
			opened = append(opened, listener)
		}
		if err != nil {
			return err
		}
		for _, listener := range opened {
			listener.Proxy = i >= len(g.config.Listen)
			g.listeners = append(g.listeners, listener)
		}
	}
	if unused := inherited.Close(); len(unused) > 0 {
		g.log.Warn("sockets of the service manager are not used: no listening address names them", "sockets", unused)
	}
	for _, listener := range handed.Rest() {
		g.log.Warn("a socket of the gateway before is not used: no listening address is its", "socket", listener.URL)
		g.unused = append(g.unused, listener)
	}
	return nil
}

func (g *Gateway) startEngine() error {
	if g.takeover == nil {
		if err := g.addListeners(); err != nil {
			return err
		}
	}
	if err := g.engine.Start(); err != nil {
		return fmt.Errorf("start the engine: %w", err)
	}
	return nil
}

// addListeners lets the engine accept clients.
func (g *Gateway) addListeners() error {
	for _, listener := range g.listeners {
		sets, err := listener.Share(g.config.Loops)
		for _, set := range sets {
			if err == nil {
				err = g.engine.AddListener(set, listener.Proxy)
			}
		}
		if err != nil {
			return fmt.Errorf("listen on %s: %w", listener.URL, err)
		}
	}
	return nil
}

func (g *Gateway) startWorkers() error {
	if g.takeover != nil {
		g.tellBefore(handover.Message{Word: handover.WordWorkers})
		return g.inheritReleases()
	}
	program := g.config.Program
	if program == nil {
		return nil
	}
	c, err := g.startCrew(*program)
	if err != nil {
		return &InputError{err}
	}
	g.beginSwap(g.addRelease(c.name(), c), nil)
	return nil
}

func (g *Gateway) serveAdmin() {
	if err := g.admin.Serve(); err != nil {
		g.log.Error("admin server ended", "error", err)
	}
}

// run is the core.
func (g *Gateway) run() {
	for g.phase != phaseEnded {
		g.mail.run()
	}
	g.mail.close()
	g.closeParts()
	close(g.done)
}

// closeParts closes what is open, in the order in which nobody is left without what he uses.
func (g *Gateway) closeParts() {
	if g.admin != nil {
		g.admin.Close()
	}
	if g.control != nil {
		g.control.Close()
	}
	g.reading.Lock()
	g.unloaded = true
	g.engine.Close()
	g.reading.Unlock()
	if g.config.AccessLog != nil {
		g.config.AccessLog.Close(accessLogGrace)
	}
	for _, w := range g.workers {
		g.free(w)
	}
	for _, listener := range slices.Concat(g.listeners, g.unused) {
		listener.Close()
	}
}
