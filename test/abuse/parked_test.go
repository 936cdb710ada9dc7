package abuse

import (
	"strings"
	"sync"
	"testing"

	"ringway/test/e2e/system"
)

// waiting are requests that no worker can take, and what they are answered in the end.
var waiting = []struct {
	text    string
	parked  uint64
	answers []int
}{
	{get, 1, []int{200}},
	{get + get + get, 1, times(3, 200)},
	{get + "GET / HTTP/1", 1, []int{200}},
	{post("/upload", "Content-Length: 5\r\n\r\nhello"), 1, []int{200}},
	{post("/upload", chunked+"5\r\nhello\r\n0\r\n\r\n") + get, 1, times(2, 200)},
	{post("/upload", "Content-Length: 500000\r\n\r\n"+strings.Repeat("a", 400_000)), 1, []int{400}},
	{post("/upload", chunked+"5\r\nhello\r\n0\r\nA: "), 1, []int{400}},
}

// park opens n connections of each kind and waits until their requests are parked.
func park(t *testing.T, g *system.Gateway, n int, each func(c *client, answers []int)) {
	t.Helper()
	parked := uint64(0)
	for _, w := range waiting {
		parked += uint64(n) * w.parked
		for _, c := range dialMany(t, g, n) {
			c.send(w.text)
			each(c, w.answers)
		}
	}
	system.Eventually(t, "all are parked", func() bool { return g.Stats().Loops[0].Parked == parked })
	native := dial(t, g)
	native.send(ping)
	native.expect(200, "pong")
	native.close()
}

// TestLeavingWhileParked: requests that wait for a worker are forgotten when their clients leave. Those whose clients only
// close their own direction are answered once there is a worker.
func TestLeavingWhileParked(t *testing.T) {
	t.Parallel()
	g := system.StartGateway(t, system.Options{Flags: []string{"--queue-deadline", "10m", "--native-path", "/ping=pong"}})
	round := func() {
		t.Helper()
		var all []*client
		park(t, g, 20, func(c *client, _ []int) { all = append(all, c) })
		for _, c := range all {
			c.reset()
		}
	}
	round()
	before := g.Holdings()
	for range 3 {
		round()
	}
	g.ExpectHoldings(before, system.DefaultAllowance)

	var leaving sync.WaitGroup
	park(t, g, 5, func(c *client, answers []int) {
		leaving.Go(func() { c.halfClose(answers...) })
	})
	g.StartWorker()
	leaving.Wait()
	g.WaitNoConnections()
	g.WaitIdle()
	g.Stop()
}
