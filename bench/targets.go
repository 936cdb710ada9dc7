package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// target is one server, or chain of servers, that is measured.
type target struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	path   string   // asked instead of a GET load's own path
	loads  []string // measured with these only; nil means all
	start  func(*bench, *target) error
	worker string // worker binary of a gateway; empty means bin/appworker
	bare   bool   // a gateway without what a public one has

	base      string // http://host:port when started
	admin     string // of a gateway
	log       string // access log of a gateway
	processes []*process
	command   string // how it was started, for the results
}

// simple are the loads that a target answers which knows one path only, or of which variants are compared.
var simple = []string{"hello", "one", "pipelined"}

func allTargets() []*target {
	return []*target{
		{Name: "native", Title: "Ringway, answered by the gateway", path: "/ping", loads: simple, start: startNative},
		{Name: "env", Title: "Ringway, environment handler", start: startGateway("env", nil)},
		{Name: "handler", Title: "Ringway, http.Handler", start: startGateway("handler", nil)},
		{Name: "handler-bare", Title: "Ringway, http.Handler, without access log and limits", loads: []string{"hello"}, bare: true, start: startGateway("handler", nil)},
		{Name: "nethttp", Title: "net/http direct", start: startNetHTTP},
		{Name: "fasthttp", Title: "fasthttp direct", start: startFastHTTP},
		{Name: "nginx-2", Title: "nginx (2 workers) -> net/http", start: startNginx(2, "")},
		{Name: "nginx-1", Title: "nginx (1 worker) -> net/http", loads: simple, start: startNginx(1, "")},
		{Name: "nginx-2-reuseport", Title: "nginx (2 workers, reuseport) -> net/http", loads: simple, start: startNginx(2, " reuseport")},
		{Name: "haproxy-2", Title: "HAProxy (2 threads) -> net/http", start: startHAProxy(2)},
		{Name: "haproxy-1", Title: "HAProxy (1 thread) -> net/http", loads: simple, start: startHAProxy(1)},
	}
}

func (t *target) measures(l load) bool {
	if l.Ours {
		return t.Name == "handler" || t.Name == "env" && !strings.Contains(l.Path, "copy=ring")
	}
	if l.File != "" {
		return t.Name == "env" || t.Name == "handler" || t.Name == "nethttp"
	}
	return t.loads == nil || slices.Contains(t.loads, l.Name)
}

func (t *target) pids() []int {
	var pids []int
	for _, p := range t.processes {
		pids = append(pids, p.pid())
	}
	return pids
}

// run starts one process of the target and remembers its command line.
func (t *target) run(b *bench, suffix string, environment []string, arguments ...string) (*process, error) {
	p, err := b.start(t.Name+suffix, environment, arguments...)
	if err != nil {
		return nil, err
	}
	t.processes = append(t.processes, p)
	if t.command != "" {
		t.command += " ; "
	}
	shown := strings.Join(append(environment[:len(environment):len(environment)], arguments...), " ")
	t.command += strings.NewReplacer(b.work+"/", "", b.root+"/", "").Replace(shown)
	return p, nil
}

// startGateway starts bin/gateway with a supervised bin/appworker. extra is put into the environment.
func startGateway(mode string, extra []string) func(*bench, *target) error {
	return func(b *bench, t *target) error {
		address, err := b.nextAddress()
		if err != nil {
			return err
		}
		admin, err := b.nextAddress()
		if err != nil {
			return err
		}
		t.base, t.admin = "http://"+address, "http://"+admin
		arguments := append([]string{
			filepath.Join(b.root, "bin/gateway"), "serve", "--listen", address, "--admin", admin,
			"--socket", filepath.Join(b.work, t.Name+".sock"), "--native-path", "/ping=pong",
		}, b.gatewayFlags...)
		if !t.bare {
			t.log = filepath.Join(b.work, t.Name+".access")
			arguments = append(arguments, "--access-log", t.log, "--client-connections", "20000", "--request-timeout", "1m", "--in-flight", "1024")
		}
		arguments = append(arguments, "--worker", cmp.Or(t.worker, b.worker), "--", "--mode", mode, "--files", b.files)
		arguments = append(arguments, b.workerFlags...)
		p, err := t.run(b, "", extra, arguments...)
		if err != nil {
			return err
		}
		return p.await(answers(t.base + "/"))
	}
}

// startNative is a gateway of its own, so that its figures contain no other target's connections.
func startNative(b *bench, t *target) error { return startGateway("handler", nil)(b, t) }

func startNetHTTP(b *bench, t *target) error {
	address, err := b.nextAddress()
	if err != nil {
		return err
	}
	t.base = "http://" + address
	p, err := t.run(b, "", nil, filepath.Join(b.work, "peer-nethttp"), "--listen", address, "--files", b.files)
	if err != nil {
		return err
	}
	return p.await(answers(t.base + "/"))
}

func startFastHTTP(b *bench, t *target) error {
	address, err := b.nextAddress()
	if err != nil {
		return err
	}
	t.base = "http://" + address
	p, err := t.run(b, "", nil, filepath.Join(b.work, "peer-fasthttp"), "--listen", address)
	if err != nil {
		return err
	}
	return p.await(answers(t.base + "/"))
}

// backend starts the net/http peer of a proxy on a unix socket and returns its path.
func (t *target) backend(b *bench) (string, error) {
	socket := filepath.Join(b.work, t.Name+".sock")
	if err := os.RemoveAll(socket); err != nil {
		return "", err
	}
	p, err := t.run(b, "-backend", nil, filepath.Join(b.work, "peer-nethttp"), "--listen", "unix:"+socket)
	if err != nil {
		return "", err
	}
	return socket, p.await(exists(socket))
}

// startProxy starts a proxy in front of a backend; configure returns the configuration's text, and arguments with it
// the command line for the file that it is written to.
func startProxy(configure func(b *bench, t *target, address, socket string) string, arguments func(file string) []string) func(*bench, *target) error {
	return func(b *bench, t *target) error {
		socket, err := t.backend(b)
		if err != nil {
			return err
		}
		address, err := b.nextAddress()
		if err != nil {
			return err
		}
		t.base = "http://" + address
		file := filepath.Join(b.work, t.Name+".conf")
		if err := os.WriteFile(file, []byte(configure(b, t, address, socket)), 0o644); err != nil {
			return err
		}
		p, err := t.run(b, "", nil, arguments(file)...)
		if err != nil {
			return err
		}
		if err := p.await(answers(t.base + "/")); err != nil {
			return fmt.Errorf("%w (configuration %s)", err, file)
		}
		return nil
	}
}
