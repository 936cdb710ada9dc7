//go:build systemd

package systemd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringway/internal/admin"
)

const (
	site    = "http://127.0.0.1"      // the sockets of ringway.socket
	own     = "http://127.0.0.1:8080" // of the gateway
	clients = 4
)

// settings are of gateway.toml; %s are the workers that the gateway starts, and what it answers itself.
const settings = `
listen = ["systemd:http", "127.0.0.1:8080"]
admin = "127.0.0.1:9180"
socket = "/run/ringway/control.sock"
access-log = "/var/log/ringway/access.log"
drain-limit = "30s"
%s
[native-path]
"/ping" = %q
`

// supervised is the key for workers that the gateway starts.
const supervised = `worker = ["/usr/local/bin/myservice", "--release", "own"]`

func configure(t *testing.T, workers, pong string) {
	t.Helper()
	if err := os.WriteFile("/etc/ringway/gateway.toml", fmt.Appendf(nil, settings, workers, pong), 0o644); err != nil {
		t.Fatal(err)
	}
}

// machine gives a test the units as they are installed, none of them started. What they say is logged if the test fails.
func machine(t *testing.T, workers string) {
	t.Helper()
	since := strconv.FormatInt(time.Now().Unix(), 10)
	configure(t, workers, "pong")
	t.Cleanup(func() {
		systemctl(t, "stop", "ringway.socket", "ringway.service", "ringway-worker@*.service")
		if t.Failed() {
			t.Log(run(t, "journalctl", "--no-pager", "--output=short-precise", "--since=@"+since, "--lines=200"))
		}
		_ = exec.Command("systemctl", "reset-failed").Run()
		for _, unit := range []string{"ringway.service", "ringway-worker@.service"} {
			if err := os.RemoveAll("/etc/systemd/system/" + unit + ".d"); err != nil {
				t.Error(err)
			}
		}
		systemctl(t, "daemon-reload")
		if left, _ := exec.Command("ps", "--no-headers", "-u", "ringway", "-o", "pid,args").Output(); len(left) > 0 {
			t.Errorf("all units are stopped, and there are still\n%s", left)
		}
	})
}

// change adds lines to the section [Service] of a unit.
func change(t *testing.T, unit, lines string) {
	t.Helper()
	directory := "/etc/systemd/system/" + unit + ".d"
	if err := os.MkdirAll(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(directory+"/test.conf", []byte("[Service]\n"+lines), 0o644); err != nil {
		t.Fatal(err)
	}
	systemctl(t, "daemon-reload")
}

// run runs a command and returns what it printed.
func run(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	output, err := command(name, arguments...)
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, output)
	}
	return output
}

func command(name string, arguments ...string) (string, error) {
	output, err := exec.Command(name, arguments...).CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

func systemctl(t *testing.T, arguments ...string) string {
	t.Helper()
	return run(t, "systemctl", arguments...)
}

// property is what systemd knows of a unit.
func property(t *testing.T, unit, name string) string {
	t.Helper()
	return systemctl(t, "show", "--value", "--property="+name, unit)
}

func expect(t *testing.T, unit, name, want string) {
	t.Helper()
	if got := property(t, unit, name); got != want {
		t.Errorf("%s of %s is %q, want %q", name, unit, got, want)
	}
}

func mainPid(t *testing.T, unit string) string { t.Helper(); return property(t, unit, "MainPID") }

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// get asks on a connection of its own.
func get(url string) (string, error) {
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %q", answer.Status, body)
	}
	return string(body), err
}

func wantAnswer(t *testing.T, url, want string) {
	t.Helper()
	if got, err := get(url); err != nil || got != want {
		t.Errorf("%s: %q (%v), want %q", url, got, err, want)
	}
}

func stats(t *testing.T) (s admin.Snapshot) {
	t.Helper()
	text, err := get("http://127.0.0.1:9180/stats")
	if err == nil {
		err = json.Unmarshal([]byte(text), &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// state is that of the last release with a name.
func state(t *testing.T, release string) (state string) {
	t.Helper()
	number := 0
	for _, r := range stats(t).Releases {
		if r.Name == release && r.Number > number {
			number, state = r.Number, r.State
		}
	}
	return state
}

// crowd asks the sockets of systemd, each time on a new connection, until its end; an answer that is not right fails the test.
func crowd(t *testing.T) (more func(), end func()) {
	t.Helper()
	var answers atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if body, err := get(site + "/"); err != nil || body != "Hello, World!" {
					t.Errorf("under load: %q (%v)", body, err)
					return
				}
				answers.Add(1)
			}
		})
	}
	more = func() {
		t.Helper()
		before := answers.Load()
		eventually(t, "answers", func() bool { return answers.Load() >= before+100 || t.Failed() })
	}
	return more, sync.OnceFunc(func() { close(stop); all.Wait(); t.Logf("%d answers", answers.Load()) })
}

// ready tells whether a worker of a release is attached and ready.
func ready(t *testing.T, release string) bool {
	t.Helper()
	return slices.ContainsFunc(stats(t).Workers, func(w admin.Worker) bool { return w.Release == release && w.State == "ready" })
}

// inFlight waits for a request that a worker has.
func inFlight(t *testing.T) {
	t.Helper()
	eventually(t, "a request in flight", func() bool {
		return slices.ContainsFunc(stats(t).Workers, func(w admin.Worker) bool { return w.InFlight > 0 })
	})
}
