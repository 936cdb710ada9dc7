package clients

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// session are requests that a client sends one after the other, over one connection as long as that stays open.
type session struct {
	base      string // URL without a path
	version10 bool   // send HTTP/1.0
	requests  []request
}

// client is a program that sends requests.
type client struct {
	name  string
	can   feature
	send  func(t *testing.T, s session) []answer
	leave func(r request) bool // of its own will the client does not use the connection again; nil: never
}

var clients = []client{
	// curl 7.88 forgets the last chunk where there is no other.
	{"curl", expecting | readsTrailers | seesInterim | closes | version10 | looksUp, sendByCurl, nil},
	{"go", expecting | sendsTrailers | readsTrailers | seesInterim | closes | emptyChunks | looksUp, sendByGo, nil},
	{"node-http", expecting | sendsTrailers | readsTrailers | seesInterim | closes | emptyChunks | looksUp, script("node", nodeScript, "http"), leavesUnknown},
	{"node-fetch", closes | emptyChunks, script("node", nodeScript, "fetch"), leavesHead},
	{"python", expecting | sendsTrailers | closes | version10 | emptyChunks, script("python3", pythonScript), nil},
}

// leavesHead: Node's fetch does not trust servers to send no body.
func leavesHead(r request) bool { return r.Method == "HEAD" }

// leavesUnknown: Node's http takes a head without a length for one of a body up to the end, also where there is none.
func leavesUnknown(r request) bool { return r.Method == "HEAD" && strings.HasPrefix(r.Path, "/stream") }

func sumOf(n int) string {
	sum := sha256.Sum256(content[:n])
	return hex.EncodeToString(sum[:])
}

// possible leaves out the steps that need what is not there.
func possible(steps []step, can feature) []step {
	var some []step
	for _, s := range steps {
		if s.needs&^can == 0 {
			some = append(some, s)
		}
	}
	return some
}

// play sends the requests of steps.
func (c client) play(t *testing.T, base string, version10 bool, steps []step) {
	t.Helper()
	s := session{base: base, version10: version10}
	for _, one := range steps {
		s.requests = append(s.requests, one.request)
	}
	verify(t, steps, c.send(t, s))
}

// TestClients: each client understands each answer, over as many connections as it takes.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"handler", "env"} {
		for _, c := range clients {
			t.Run(mode+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				g := startGateway(t, mode)
				can := c.can
				if mode == "handler" {
					can |= handlerOnly
				}
				connections := uint64(0)
				for _, part := range []struct {
					name  string
					steps []step
					old   bool
					keeps bool
				}{
					{"kept", kept(), false, true},
					{"closing", closing(), false, false},
					{"old", old(), true, false},
					{"old-kept", oldKept(), true, true},
				} {
					steps := possible(part.steps, can)
					if len(steps) == 0 {
						continue
					}
					t.Run(part.name, func(t *testing.T) { c.play(t, "http://"+g.Addr, part.old, steps) })
					for i := range steps {
						if i == 0 || !part.keeps || c.leave != nil && c.leave(steps[i-1].request) {
							connections++
						}
					}
					if got := accepted(g); got != connections && !t.Failed() {
						t.Errorf("%d connections were accepted up to and with %s, want %d", got, part.name, connections)
					}
				}
				clean(t, g)
			})
		}
	}
}

// TestRefusals: each client understands an answer that comes before it has sent all.
func TestRefusals(t *testing.T) {
	t.Parallel()
	g := startGateway(t, "handler", "--max-body", itoa(mostBody))
	t.Run("clients", func(t *testing.T) {
		for _, c := range clients {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.play(t, "http://"+g.Addr, false, possible(refused(), c.can))
			})
		}
	})
	clean(t, g)
}
