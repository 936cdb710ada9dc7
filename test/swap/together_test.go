package swap

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// party is clients that ask without a pause, each on a connection that it keeps, until nobody lets them in any more.
type party struct {
	t       *testing.T
	addr    string
	told    atomic.Bool // the gateway was told to stop
	most    int         // connections that a client makes once it was told; 0: no bound
	all     sync.WaitGroup
	answers atomic.Int64
	goodbye atomic.Int64 // answers that closed their connection
}

func (p *party) run(number int) {
	for dials := 1; ; dials++ {
		if p.told.Load() && p.most > 0 && dials > p.most {
			return
		}
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			if !p.told.Load() || !errors.Is(err, syscall.ECONNREFUSED) {
				p.t.Errorf("client %d, connection %d: %v", number, dials, err)
			}
			return
		}
		err = p.converse(conn, number)
		_ = conn.Close()
		if err != nil {
			p.t.Errorf("client %d, connection %d: %v", number, dials, err)
			return
		}
	}
}

// converse asks until the connection ends between two requests. Anything else that ends it is an error.
func (p *party) converse(conn net.Conn, number int) error {
	in := bufio.NewReader(conn)
	for n := 0; ; n++ {
		_ = conn.SetDeadline(time.Now().Add(system.Patience))
		method, text, want := "GET", "GET /sleep?ms=20 HTTP/1.1\r\nHost: x\r\n\r\n", ""
		if (n+number)%2 == 0 {
			method, want = "POST", fmt.Sprintf("client %d, request %d", number, n)
			text = fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(want), want)
		}
		_, err := io.WriteString(conn, text)
		if err == nil {
			_, err = in.Peek(1)
		}
		if err != nil {
			if n > 0 && p.told.Load() {
				return nil // closed between two requests
			}
			return fmt.Errorf("request %d has no answer: %w", n+1, err)
		}
		answer, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return fmt.Errorf("request %d: %w", n+1, err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK || want != "" && string(body) != want {
			return fmt.Errorf("request %d: %s %q, %w", n+1, answer.Status, body, err)
		}
		p.answers.Add(1)
		if answer.Close {
			p.goodbye.Add(1)
			if !p.told.Load() {
				return errors.New("the connection is not kept")
			}
			return nil
		}
	}
}

// TestAllToldToStopAtOnce: as containers do, gateway and workers get TERM at the same moment, in any order. Whatever was
// asked on a connection is answered, until nobody is let in any more.
func TestAllToldToStopAtOnce(t *testing.T) {
	t.Parallel()
	for _, supervised := range []bool{true, false} {
		for _, workersFirst := range []bool{true, false} {
			for _, delay := range []string{"0s", "1h"} {
				t.Run(fmt.Sprintf("supervised %v, workers first %v, delay %s", supervised, workersFirst, delay), func(t *testing.T) {
					t.Parallel()
					stopTogether(t, supervised, workersFirst, delay)
				})
			}
		}
	}
}

func stopTogether(t *testing.T, supervised, workersFirst bool, delay string) {
	log := filepath.Join(t.TempDir(), "access")
	// One loop: an answer that closes its connection comes when nobody is let in any more.
	flags := []string{"--loops", "1", "--drain-delay", delay, "--access-log", log}
	var own []*system.Process
	o := system.Options{Supervised: supervised, Flags: flags}
	if supervised {
		o.Flags = append(o.Flags, "--workers", "2")
	}
	g := system.StartGateway(t, o)
	if !supervised {
		own = append(own, g.StartWorker("--release", "r"), g.StartWorker("--release", "r"))
	}
	g.WaitReady(2)
	p := &party{t: t, addr: g.Addr}
	if delay != "0s" {
		p.most = 50
	}
	for i := range clients {
		p.all.Go(func() { p.run(i) })
	}
	system.Eventually(t, "answers", func() bool { return p.answers.Load() > 20*clients || t.Failed() })
	pids := []int{g.Pid()}
	for _, w := range g.Stats().Workers {
		pids = append(pids, w.Pid)
	}
	if workersFirst {
		slices.Reverse(pids)
	}
	p.told.Store(true)
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			t.Errorf("TERM for %d: %v", pid, err)
		}
	}
	p.all.Wait()
	if delay != "0s" {
		if status, body := readyz(t, g); status != http.StatusServiceUnavailable || !strings.Contains(body, "leaving") {
			t.Errorf("/readyz says %d %s", status, body)
		}
		if p.goodbye.Load() == 0 {
			t.Error("no answer has closed its connection")
		}
		if output, err := command(t, g, "stop"); err != nil {
			t.Errorf("stop: %v\n%s", err, output)
		}
	}
	if status := g.Exit(system.Patience); status != 0 {
		t.Errorf("the gateway ended with status %d", status)
	}
	for _, w := range own {
		if status := w.Exit(system.Patience); status != 0 {
			t.Errorf("a worker ended with status %d", status)
		}
	}
	t.Logf("%d answers, %d of them the last on their connections", p.answers.Load(), p.goodbye.Load())
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if int64(len(lines)) != p.answers.Load() {
		t.Errorf("%d requests were begun, and %d answered", len(lines), p.answers.Load())
	}
	for _, line := range lines {
		if !strings.Contains(line, `"end":"complete"`) || !strings.Contains(line, `"status":200`) {
			t.Errorf("access log: %s", line)
			break
		}
	}
}

func readyz(t *testing.T, g *system.Gateway) (int, string) {
	t.Helper()
	answer, err := http.Get(g.Admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// TestReadyFollowsWorkers: a gateway is ready while a worker of the active release is, and healthy in any case.
func TestReadyFollowsWorkers(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--drain-delay", "1h"}})
	if status, body := readyz(t, g); status != http.StatusServiceUnavailable || !strings.Contains(body, "no worker") {
		t.Errorf("without a worker: %d %s", status, body)
	}
	g.StartWorker()
	system.Eventually(t, "it is ready", func() bool { status, _ := readyz(t, g); return status == http.StatusOK })
	if output, err := command(t, g, "drain"); err != nil {
		t.Errorf("drain: %v\n%s", err, output)
	}
	system.Eventually(t, "it is leaving", func() bool {
		status, body := readyz(t, g)
		return status == http.StatusServiceUnavailable && strings.Contains(body, "leaving")
	})
	answer, err := http.Get(g.Admin + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("/healthz says %s", answer.Status)
	}
	if answer, err := http.Get(g.URL("/")); err != nil || answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("while it is leaving: %+v, %v", answer, err)
	}
	g.Signal(syscall.SIGTERM) // begun already
	system.Eventually(t, "TERM is heard", func() bool { return strings.Contains(g.Stderr(), "signal=terminated") })
	g.Signal(syscall.SIGTERM)
	if status := g.Exit(system.Patience); status != 0 {
		t.Errorf("exit status %d", status)
	}
}
