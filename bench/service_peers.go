package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// behindNginx is Go services on net/http with nginx in front. A swap is what a plain deploy does: TERM, wait for the end, start; with several
// of them one after the other. A killed one is started again at once.
type behindNginx struct {
	site
	backends int
	nginx    *process
	peers    []*process
	ports    []string
	release  int
}

func (n *behindNginx) scratch() string { return filepath.Join(n.b.work, n.name+".d") }

func (n *behindNginx) start() error {
	var err error
	var servers []string
	for i := range n.backends {
		port, err := n.b.nextAddress()
		if err != nil {
			return err
		}
		n.ports = append(n.ports, port)
		n.peers = append(n.peers, nil)
		if err := n.startPeer(i); err != nil {
			return err
		}
		options := ""
		if n.backends > 1 {
			// Or a server that was away for a moment is not asked for ten seconds, and the next restart finds none.
			options = " max_fails=0"
		}
		servers = append(servers, "server "+port+options+";")
	}
	if n.address, err = n.b.nextAddress(); err != nil {
		return err
	}
	if err := os.MkdirAll(n.scratch(), 0o755); err != nil {
		return err
	}
	file := filepath.Join(n.b.work, n.name+".conf")
	// As a daemon, because it takes no USR2 from a parent that is still there.
	text := nginxConfig(2, "on", n.scratch(), n.address, strings.Join(servers, "\n        "))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	p, err := n.run(command("nginx"), "-e", "stderr", "-c", file)
	if err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	if err := until("nginx answers", answers("http://"+n.address+"/")); err != nil {
		return fmt.Errorf("%w, see %s", err, p.log)
	}
	n.nginx, err = n.b.adopt(n.name, pidIn(n.pidFile()))
	return err
}

func (n *behindNginx) pidFile() string { return filepath.Join(n.scratch(), "pid") }

func (n *behindNginx) startPeer(i int) error {
	described := n.command
	p, err := n.run(filepath.Join(n.b.work, "peer-nethttp"), "--listen", n.ports[i], "--release", fmt.Sprintf("r%d", n.release))
	if err != nil {
		return err
	}
	if n.peers[i] != nil {
		n.command = described
	}
	n.peers[i] = p
	return nil
}

// apart is the time between the restarts of two services, so that nginx has dropped its connections to the one that ended.
const apart = 200 * time.Millisecond

func (n *behindNginx) swap() error {
	n.release++
	for i, p := range n.peers {
		if i > 0 {
			time.Sleep(apart)
		}
		if err := p.signal(syscall.SIGTERM); err != nil {
			return err
		}
		if err := p.end(); err != nil {
			return err
		}
		if err := n.startPeer(i); err != nil {
			return err
		}
		if err := until("the new service answers", answers("http://"+n.ports[i]+"/")); err != nil {
			return err
		}
	}
	return nil
}

// kill kills the first service.
func (n *behindNginx) kill() error {
	if err := n.peers[0].signal(syscall.SIGKILL); err != nil {
		return err
	}
	if err := n.peers[0].end(); err != nil {
		return err
	}
	return n.startPeer(0)
}

// upgrade replaces nginx itself as its documentation tells: USR2 to the old master, and QUIT once the new one has its workers.
func (n *behindNginx) upgrade() error {
	old := n.nginx
	if err := old.signal(syscall.SIGUSR2); err != nil {
		return err
	}
	if err := until("another nginx has its workers", func() bool {
		pid := pidIn(n.pidFile())
		if pid == 0 || pid == old.pid() {
			return false
		}
		all, err := tree(pid)
		return err == nil && len(all) > 2
	}); err != nil {
		return err
	}
	var err error
	if n.nginx, err = n.b.adopt(n.name, pidIn(n.pidFile())); err != nil {
		return err
	}
	if err := old.signal(syscall.SIGQUIT); err != nil {
		return err
	}
	return old.end()
}

// handedOver is a Go service on net/http that hands its listener to its successor. A killed one is started again at once.
type handedOver struct {
	site
	current *process
}

func (h *handedOver) pidFile() string { return filepath.Join(h.b.work, h.name+".pid") }

func (h *handedOver) start() error {
	var err error
	if h.address, err = h.b.nextAddress(); err != nil {
		return err
	}
	if err := h.startFirst(); err != nil {
		return err
	}
	return h.current.await(answers("http://" + h.address + "/"))
}

func (h *handedOver) startFirst() error {
	described := h.command
	p, err := h.run(filepath.Join(h.b.work, "peer-tableflip"), "--listen", h.address, "--pid-file", h.pidFile())
	if err != nil {
		return err
	}
	if h.current != nil {
		h.command = described
	}
	h.current = p
	return nil
}

func (h *handedOver) swap() error {
	old := h.current
	if err := old.signal(syscall.SIGHUP); err != nil {
		return err
	}
	next := 0
	if err := until("another process is ready", func() bool {
		next = pidIn(h.pidFile())
		return next != 0 && next != old.pid()
	}); err != nil {
		return err
	}
	var err error
	if h.current, err = h.b.adopt(h.name, next); err != nil {
		return err
	}
	return old.end() // no further one is started before
}

func (h *handedOver) kill() error {
	if err := h.current.signal(syscall.SIGKILL); err != nil {
		return err
	}
	if err := h.current.end(); err != nil {
		return err
	}
	return h.startFirst()
}

// upgrade: the service owns its listener.
func (h *handedOver) upgrade() error { return fmt.Errorf("the swap is the upgrade: %w", errNotOffered) }
