//go:build containers

package containers

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ringway/internal/admin"
)

const (
	builder = "ringway-test/go"
	clients = 16
	// patience is what a container may take for anything.
	patience = time.Minute
)

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func (p project) status() admin.Snapshot {
	p.t.Helper()
	var s admin.Snapshot
	if err := json.Unmarshal([]byte(p.compose("exec", "-T", "gateway", "/gateway", "status", "--json")), &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// active is the release that has the requests, and the number of its worker; empty while there is none.
func (p project) active() (release string, worker uint64) {
	p.t.Helper()
	for _, w := range p.status().Workers {
		if w.State == "ready" {
			return w.Release, w.ID
		}
	}
	return "", 0
}

// crowd asks for / on connections that are kept, until its end; whatever is not the right answer fails the test.
func crowd(t *testing.T, address string) (answers *atomic.Int64, end func()) {
	t.Helper()
	answers = new(atomic.Int64)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			client := &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := ask(client, address); err != nil {
					t.Errorf("under load: %v", err)
					return
				}
				answers.Add(1)
			}
		})
	}
	return answers, func() { close(stop); all.Wait() }
}

func ask(client *http.Client, address string) error {
	answer, err := client.Get("http://" + address + "/")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || string(body) != "Hello, World!") {
		err = fmt.Errorf("%s %q", answer.Status, body)
	}
	return err
}

// TestCompose: requests flow between two containers that share a socket's directory only; the worker's image is replaced
// and the worker is killed under load, and no client notices.
func TestCompose(t *testing.T) {
	startEngine(t)
	run(t, "test/containers/base.sh", builder)
	address := freeAddress(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Setenv("RINGWAY_LISTEN", address)
	t.Setenv("RINGWAY_NOFILE", strconv.FormatUint(min(limit.Max, 65536), 10))
	p := project{t, "ringway-test-" + strconv.Itoa(os.Getpid())}
	build := func(arguments ...string) {
		t.Helper()
		p.compose(append([]string{"build", "--build-arg", "GO_IMAGE=" + builder}, arguments...)...)
	}
	build()
	t.Cleanup(func() { p.compose("down", "--volumes", "--timeout", "40") })
	p.compose("up", "--detach")
	eventually(t, "an answer", func() bool { return ask(http.DefaultClient, address) == nil })
	eventually(t, "a healthy gateway", func() bool { return p.inspect("gateway", "{{.State.Health.Status}}") == "healthy" })
	for _, service := range []string{"gateway", "worker"} {
		if got, want := p.inspect(service, "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}"), "65532:65532 true [ALL]"; got != want {
			t.Errorf("service %s runs with %q, want %q", service, got, want)
		}
	}
	if got := p.inspect("worker", "{{.HostConfig.NetworkMode}}"); got != "none" {
		t.Errorf("the worker's network is %q, want none", got)
	}

	answers, end := crowd(t, address)
	defer end()
	more := func(count int64) {
		t.Helper()
		before := answers.Load()
		eventually(t, "answers", func() bool { return answers.Load() >= before+count || t.Failed() })
	}
	more(1000)
	first, _ := p.active()
	build("--build-arg", "WORKER_VERSION=2", "worker")
	p.compose("up", "--detach", "--no-deps", "worker")
	eventually(t, "the new image's release is active", func() bool {
		release, _ := p.active()
		return release != "" && release != first
	})
	more(1000)

	second, worker := p.active()
	pid, err := strconv.Atoi(p.inspect("worker", "{{.State.Pid}}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another worker of the same release", func() bool {
		release, now := p.active()
		return release == second && now != worker
	})
	more(1000)
	status := p.status()
	t.Logf("%d answers; releases now: %+v", answers.Load(), status.Releases)
	if loops := len(status.Loops); loops == 0 {
		t.Error("the status tells of no loop")
	}
}
