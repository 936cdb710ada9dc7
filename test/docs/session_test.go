package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ringway/internal/admin"
	"ringway/test/e2e/system"
)

// session is a directory in which the commands of a page are run, and the gateway that they talk to.
type session struct {
	t         *testing.T
	directory string
	cwd       string // below directory
	root      string // what /etc, /run, /usr/local and /var are
	gateway   *system.Process
	listen    string // its address for clients, as it has told
	admin     string
	attached  []*system.Process
	workers   bool  // it has been given some
	upgraded  []int // process ids of gateways that have taken the place of others
}

// newSession makes a directory with ringway, as its sources and what make build makes, and myservice beside it.
func newSession(t *testing.T) *session {
	t.Helper()
	s := &session{t: t, directory: t.TempDir(), cwd: "ringway"}
	s.root = filepath.Join(s.directory, "root")
	for _, name := range []string{"ringway/bin", "ringway/build/static", "ringway/deploy/systemd", "myservice", "bin",
		"root/run/ringway", "root/usr/local/bin", "root/etc", "root/var/log/ringway", "root/var/www/assets"} {
		if err := os.MkdirAll(filepath.Join(s.directory, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(s.directory, "myservice/main.go"), firstWorker(t))
	for _, name := range []string{"go.mod", "go.sum", "ring", "bridge", "envmap", "internal"} { // what a worker is made of
		absolute, err := filepath.Abs(filepath.Join(root, name))
		if err == nil {
			err = os.Symlink(absolute, filepath.Join(s.directory, "ringway", name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.copy(myservice, "ringway/myservice", "")
	s.copy(myservice, "ringway/myservice-2", "another build")
	s.copy(myservice, "root/usr/local/bin/appworker", "")
	s.copy(system.Programs.Gateway, "ringway/build/static/gateway", "")
	samples, err := filepath.Glob(filepath.Join(root, "deploy/systemd/*"))
	if err != nil || len(samples) != 3 {
		t.Fatalf("units %q, %v", samples, err)
	}
	for _, sample := range append(samples, filepath.Join(root, "deploy/gateway.toml")) {
		text, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		relative, err := filepath.Rel(root, sample)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(s.directory, "ringway", relative), s.substitute(string(text)))
	}
	write(t, filepath.Join(s.directory, "ringway/gateway.toml"), "listen = [\"127.0.0.1:0\"]\nworker = \"./myservice\"\n")
	// The pages leave --admin at its default, which another gateway may have.
	script := fmt.Sprintf(`#!/bin/sh
[ $# -gt 0 ] || exec %[1]s
command=$1
shift
case $command in
serve) exec %[1]s serve --admin 127.0.0.1:0 --confirm 100ms "$@" ;;
-* | check | config | version | completion | man | help) exec %[1]s "$command" "$@" ;;
*) exec %[1]s "$command" --admin "$(cat %[2]s)" "$@" ;;
esac
`, system.Programs.Gateway, filepath.Join(s.directory, "admin"))
	t.Cleanup(func() {
		for _, pid := range s.upgraded {
			if !system.Gone(pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	for _, name := range []string{"ringway/bin/gateway", "bin/gateway"} {
		if err := os.WriteFile(filepath.Join(s.directory, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// copy places a program, with more behind it if it is to be another build.
func (s *session) copy(from, to, more string) {
	s.t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.directory, to), append(content, more...), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// substitute puts the session's own places into a text.
func (s *session) substitute(text string) string {
	listen, adminAddress := "127.0.0.1:0", "127.0.0.1:0"
	if s.listen != "" {
		listen, adminAddress = s.listen, s.admin
	}
	return strings.NewReplacer("127.0.0.1:8080", listen, "127.0.0.1:9180", adminAddress, "/etc/", s.root+"/etc/", "/run/ringway", s.root+"/run/ringway",
		"/usr/local/", s.root+"/usr/local/", "/var/", s.root+"/var/").Replace(text)
}

func (s *session) environment() []string {
	return []string{
		"PATH=" + filepath.Join(s.directory, "bin") + ":" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=" + filepath.Join(s.root, "run"),
		"CGO_ENABLED=0", "GOPROXY=off", "GOFLAGS=-buildvcs=false",
	}
}

var (
	serves   = regexp.MustCompile(`(^|/)gateway serve `)
	attaches = regexp.MustCompile(`^RINGWAY_SOCKET=\S+ `)
)

// run runs a command. What it prints is for those that end.
func (s *session) run(command string) (output string) {
	s.t.Helper()
	switch {
	case serves.MatchString(command):
		s.serve(command)
		return ""
	case attaches.MatchString(command):
		s.attached = append(s.attached, s.start(command))
		s.workers = true
		s.settle()
		return ""
	}
	if s.gateway != nil {
		s.settle()
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*system.Patience)
	defer cancel()
	c := exec.CommandContext(ctx, "/bin/bash", "-c", "set -o pipefail; "+s.substitute(command))
	c.Dir = filepath.Join(s.directory, s.cwd)
	c.Env = append(os.Environ(), s.environment()...)
	text, err := c.CombinedOutput()
	if err != nil {
		s.t.Errorf("%s: %v\n%s", command, err, text)
	}
	return string(text)
}

// start starts a command that stays, as the process itself.
func (s *session) start(command string) *system.Process {
	s.t.Helper()
	variables, words := attaches.FindString(command), attaches.ReplaceAllString(command, "")
	script := "cd " + filepath.Join(s.directory, s.cwd) + " && " + s.substitute(variables) + "exec " + s.substitute(words)
	return system.Start(s.t, s.environment(), "/bin/bash", "-c", script)
}

// serve ends the gateway that there is, and starts the page's next one.
func (s *session) serve(command string) {
	s.t.Helper()
	s.end()
	s.gateway = s.start(command)
	for s.admin == "" || s.listen == "" {
		line, ok := s.gateway.Line(system.Patience)
		if !ok {
			s.t.Fatalf("%s: it has not told its addresses: %s", command, s.gateway.Stderr())
		}
		if address, found := strings.CutPrefix(line, "listening on http://"); found {
			s.listen = address
		}
		if address, found := strings.CutPrefix(line, "admin on http://"); found {
			s.admin = address
		}
	}
	write(s.t, filepath.Join(s.directory, "admin"), s.admin)
	s.workers = strings.Contains(command, "--worker ") || strings.Contains(command, "--config ")
	s.settle()
}

// settle waits until what was begun has ended: the workers are ready, no release is on its way, and one gateway serves.
func (s *session) settle() {
	s.t.Helper()
	system.Eventually(s.t, "the gateway has settled", func() bool {
		now, err := s.stats()
		if err != nil || now.Gateway.State != "running" {
			return false
		}
		if pid := now.Gateway.Pid; pid != s.gateway.Pid() && !slices.Contains(s.upgraded, pid) {
			s.upgraded = append(s.upgraded, pid)
		}
		ready := 0
		for _, r := range now.Releases {
			ready += r.Ready
			if r.State != "active" && r.State != "retired" && r.State != "failed" {
				return false
			}
		}
		return ready >= max(len(s.attached), 1) || !s.workers
	})
}

func (s *session) stats() (admin.Snapshot, error) {
	var now admin.Snapshot
	answer, err := http.Get("http://" + s.admin + "/stats")
	if err != nil {
		return now, err
	}
	defer answer.Body.Close()
	return now, json.NewDecoder(answer.Body).Decode(&now)
}

// end ends the gateway, which may be another process by now, and the workers that came by themselves.
func (s *session) end() {
	s.t.Helper()
	if s.gateway == nil {
		return
	}
	if now, err := s.stats(); err == nil && now.Gateway.Pid != s.gateway.Pid() {
		s.upgraded = append(s.upgraded, now.Gateway.Pid)
		if err := syscall.Kill(now.Gateway.Pid, syscall.SIGTERM); err != nil {
			s.t.Error(err)
		}
		system.Eventually(s.t, "the upgraded gateway ends", func() bool { return system.Gone(now.Gateway.Pid) })
	}
	s.gateway.Signal(syscall.SIGTERM)
	if code := s.gateway.Exit(system.Patience); code != 0 {
		s.t.Errorf("the gateway ended with %d", code)
	}
	for _, worker := range s.attached {
		worker.Signal(syscall.SIGTERM)
		if code := worker.Exit(system.Patience); code != 0 {
			s.t.Errorf("a worker ended with %d", code)
		}
	}
	s.gateway, s.attached, s.listen, s.admin, s.workers = nil, nil, "", "", false
}

// stopped is called when a command has ended the gateway.
func (s *session) stopped() {
	s.t.Helper()
	if code := s.gateway.Exit(system.Patience); code != 0 {
		s.t.Errorf("the gateway ended with %d", code)
	}
}
