package swap

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// TestAnOldReplicaStandsBy: a worker of a release that has been replaced gets no requests and changes nothing, until it is
// wanted back by command; and status tells so.
func TestAnOldReplicaStandsBy(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--confirm", "50ms"}})
	first := g.StartWorker("--release", "old")
	g.WaitReady(1)
	g.StartWorker("--release", "new")
	if status := first.Exit(system.Patience); status != 0 {
		t.Errorf("the old release's worker ended with status %d", status)
	}
	settled(t, g)
	crowd := gather(t, g, clients, who)
	replica := g.StartWorker("--release", "old")
	system.Eventually(t, "the replica is ready", func() bool { return g.Ready() == 2 })
	crowd.waitForEach()
	crowd.disperse()
	for _, s := range crowd.seen {
		if s.release != "new" {
			t.Fatalf("release %s answered", s.release)
		}
	}
	for _, r := range g.Stats().Releases {
		if want := map[string]string{"old": "retired", "new": "active"}[r.Name]; r.State != want {
			t.Errorf("release %s is %s, expected %s", r.Name, r.State, want)
		}
	}
	status, err := command(t, g, "status")
	if err != nil || !strings.Contains(status, "ready, standby: release is retired") {
		t.Errorf("status %v\n%s", err, status)
	}
	if output, err := command(t, g, "rollback"); err != nil {
		t.Errorf("rollback: %v\n%s", err, output)
	}
	settled(t, g)
	for _, w := range g.Stats().Workers {
		if w.Release != "old" || w.Standby != "" || w.Pid != replica.Pid() {
			t.Errorf("after the rollback: worker %+v", w)
		}
	}
	g.Stop()
}

// TestDrainLimitCancels: what has not ended at the drain limit is cut, and its handlers are told by their contexts.
func TestDrainLimitCancels(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		for _, supervised := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, supervised %v", mode, supervised), func(t *testing.T) {
				t.Parallel()
				journal := filepath.Join(t.TempDir(), "journal")
				arguments := []string{"--mode", mode, "--journal", journal}
				g := system.StartGateway(t, system.Options{
					Supervised: supervised, Program: worker, Worker: arguments, Flags: []string{"--drain-limit", "200ms"},
				})
				var own *system.Process
				if !supervised {
					own = system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, worker, arguments...)
					g.WaitReady(1)
				}
				var conns []net.Conn
				for i, text := range []string{"GET /hold?id=0 HTTP/1.1\r\nHost: x\r\n\r\n", "POST /hold?id=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"} {
					conn, err := net.Dial("tcp", g.Addr)
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					_ = conn.SetDeadline(time.Now().Add(2 * system.Patience))
					if _, err := io.WriteString(conn, text); err != nil {
						t.Fatal(err)
					}
					conns = append(conns, conn)
					system.Eventually(t, "a handler has it", func() bool { return lines(t, journal)[fmt.Sprintf("begun %d", i)] == 1 })
				}
				g.Stop()
				for i, conn := range conns {
					if got, _ := bufio.NewReader(conn).ReadString('\n'); got != "" {
						t.Errorf("request %d is answered %q, expected its connection to be cut", i, got)
					}
				}
				if own != nil {
					if status := own.Exit(system.Patience); status != 0 {
						t.Errorf("the worker ended with status %d", status)
					}
				}
				noted := lines(t, journal)
				for i := range conns {
					if noted[fmt.Sprintf("begun %d", i)] != 1 || noted[fmt.Sprintf("cancelled %d", i)] != 1 {
						t.Errorf("journal %v, expected request %d to be begun and cancelled once", noted, i)
					}
				}
			})
		}
	}
}
