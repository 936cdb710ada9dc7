package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

// hostile is the path of the program in directory hostile.
var hostile string

// answer of the program: so many lines of token and id.
func linesOf(token string, id, n int) string {
	return strings.Repeat(fmt.Sprintf("%s %d\n", token, id), n)
}

// TestHostileWorker: a worker that destroys what it shares with the gateway harms its own exchanges only. The gateway
// lives, no client waits for ever or sees broken HTTP, and what an honest worker answers arrives whole and at the right
// place.
func TestHostileWorker(t *testing.T) {
	t.Parallel()
	for how, caught := range map[string]bool{"words": true, "bytes": true, "holes": false, "socket": false, "files": true} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			token := fmt.Sprintf("honest-%016x", rand.Uint64())
			g := system.StartGateway(t, system.Options{})
			start := func(arguments ...string) *system.Process {
				return system.Start(t, []string{"RINGWAY_SOCKET=" + g.Socket}, hostile, arguments...)
			}
			honest := start("--token", token)
			g.WaitReady(1)
			before := descriptorsOf(g)
			c := hostileLoad{g: g, token: token}
			stop := c.start(t, seed)
			attacks := 0
			for end := time.Now().Add(3 * time.Second); time.Now().Before(end) && !t.Failed(); attacks++ {
				enemy := start("--token", "enemy", "--how", how, "--seed", strconv.FormatUint(seed+uint64(attacks), 10))
				for life := time.Now().Add(time.Second); !enemy.Ended() && time.Now().Before(life); {
					time.Sleep(5 * time.Millisecond)
				}
				enemy.Kill()
			}
			stop()
			if g.Ended() || honest.Ended() {
				t.Fatalf("ended: gateway %v, honest worker %v", g.Ended(), honest.Ended())
			}
			g.WaitIdle()
			s := g.Stats()
			t.Logf("%d attacks, %d violations; answers: %d honest, %d others, %d cut", attacks, s.Loops[0].Violations, c.honest.Load(), c.others.Load(), c.cut.Load())
			if c.honest.Load() == 0 || c.others.Load()+c.cut.Load() == 0 {
				t.Error("one of the workers was not asked at all")
			}
			if caught && s.Loops[0].Violations == 0 {
				t.Error("no violation was noticed")
			}
			system.Eventually(t, "no descriptor is left in the gateway", func() bool {
				return descriptorsOf(g) <= before
			})
			honest.Kill()
			g.Stop()
		})
	}
}

// hostileLoad asks for lines and checks the answers.
type hostileLoad struct {
	g                   *system.Gateway
	token               string
	honest, others, cut atomic.Int64
	id                  atomic.Int64
}

func (c *hostileLoad) start(t *testing.T, seed uint64) (stop func()) {
	end := make(chan struct{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			client := &http.Client{Timeout: system.Patience, Transport: &http.Transport{DisableCompression: true}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-end:
					return
				default:
				}
				if err := c.ask(client, int(c.id.Add(1)), 1+random.IntN(1<<random.UintN(12))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	return func() {
		close(end)
		all.Wait()
	}
}

// ask makes one request. An error means that something happened that no worker may bring about.
func (c *hostileLoad) ask(client *http.Client, id, n int) error {
	answer, err := client.Get(c.g.URL(fmt.Sprintf("/?id=%d&n=%d", id, n)))
	var body []byte
	if err == nil {
		body, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close()
	}
	text := string(body)
	switch {
	case err != nil && (strings.Contains(err.Error(), "malformed") || strings.Contains(err.Error(), "Unsolicited") || strings.Contains(err.Error(), "Timeout")):
		return fmt.Errorf("request %d: %w", id, err)
	case strings.Contains(text, c.token):
		if want := linesOf(c.token, id, n); text != want && (err == nil || !strings.HasPrefix(want, text)) {
			return fmt.Errorf("request %d of %d lines: the honest worker's answer is damaged, or another's: %q", id, n, text[:min(len(text), 200)])
		}
		if err != nil {
			return fmt.Errorf("request %d: the honest worker's answer is cut: %w", id, err)
		}
		c.honest.Add(1)
	case err != nil:
		c.cut.Add(1)
	default:
		c.others.Add(1)
	}
	return nil
}
