package clients

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"ringway/test/e2e/system"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	directory, err := os.MkdirTemp("", "ringway-clients-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(directory)
	bodies.directory = directory
	return system.Main(m)
}

// most is the size of the largest body that the clients send.
const most = 16 << 20

// content is what the clients send: a body of n bytes is the first n of these.
var content = func() []byte {
	b := make([]byte, most)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(b)
	return b
}()

var bodies struct {
	directory string
	mu        sync.Mutex
}

// bodyFile is a file with the first n bytes of content.
func bodyFile(t testing.TB, n int) string {
	t.Helper()
	bodies.mu.Lock()
	defer bodies.mu.Unlock()
	name := filepath.Join(bodies.directory, "body-"+itoa(n))
	if _, err := os.Stat(name); err == nil {
		return name
	}
	if err := os.WriteFile(name, content[:n], 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// command finds a program, also where Debian puts what it takes for root's.
func command(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	path, err := exec.LookPath(filepath.Join("/usr/sbin", name))
	if err != nil {
		t.Fatalf("%s is not installed: `tools/setup.sh test` does that", name)
	}
	return path
}

// startGateway starts a gateway with one worker.
func startGateway(t testing.TB, mode string, flags ...string) *system.Gateway {
	t.Helper()
	return system.StartGateway(t, system.Options{
		Supervised: true, Worker: []string{"--mode", mode, "--release", "r1"},
		Flags: append([]string{"--native-path", "/ping=pong"}, flags...),
	})
}

// count adds up a counter of all loops.
func count(g *system.Gateway, counter func(accepted, requests uint64) uint64) uint64 {
	sum := uint64(0)
	for _, l := range g.Stats().Loops {
		sum += counter(l.ConnectionsAccepted, l.Requests)
	}
	return sum
}

func accepted(g *system.Gateway) uint64 {
	return count(g, func(accepted, _ uint64) uint64 { return accepted })
}

func requests(g *system.Gateway) uint64 {
	return count(g, func(_, requests uint64) uint64 { return requests })
}

// clean expects that nothing is left behind by a test's clients, and ends the gateway.
func clean(t testing.TB, g *system.Gateway) {
	t.Helper()
	if t.Failed() {
		return
	}
	g.WaitIdle()
	for _, l := range g.Stats().Loops {
		if l.Violations != 0 {
			t.Errorf("loop %d: %d violations", l.Index, l.Violations)
		}
	}
	g.Stop()
}
