package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"ringway/test/e2e/system"
)

const (
	pipelines  = 400
	longestRow = 12
	clients    = 8
)

// TestPipelines puts cases behind one another on a connection: what leaves it open changes nothing for what comes next,
// however the bytes are cut. TEST_SEED repeats a run.
func TestPipelines(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 0, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("TEST_SEED=%d", seed)
	book, err := Read("cases")
	if err != nil {
		t.Fatal(err)
	}
	var open, last []*Case
	for _, one := range book.Cases() {
		switch {
		case !plain(one):
		case one.Fate == Open:
			open = append(open, one)
		default:
			last = append(last, one)
		}
	}
	if len(open) < 50 || len(last) < 50 {
		t.Fatalf("only %d cases that leave the connection open, and %d others", len(open), len(last))
	}
	g := start(t, "")
	var group sync.WaitGroup
	for client := range uint64(clients) {
		group.Go(func() {
			random := rand.New(rand.NewPCG(seed, client))
			for range pipelines / clients {
				row := make([]*Case, 1+random.IntN(longestRow-1))
				for i := range row {
					row[i] = open[random.IntN(len(open))]
				}
				row = append(row, last[random.IntN(len(last))])
				if err := pipeline(g.Addr, random, row); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	g.WaitIdle()
	g.Stop()
}

// plain reports whether a case can be sent without a look at answers, under the gateway's defaults and among others.
func plain(one *Case) bool {
	if one.Only == "c" || one.Flags != "" || one.Steps[0].Send == nil || len(one.Steps[0].Send) > 4096 {
		return false
	}
	for _, step := range one.Steps[1:] {
		if step.Answer == nil {
			return false
		}
	}
	return !bytes.Contains(one.Steps[0].Send, []byte("alone=")) && !bytes.Contains(one.Steps[0].Send, []byte("Expect:"))
}

func pipeline(address string, random *rand.Rand, row []*Case) error {
	dialed, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	conn := dialed.(*net.TCPConn)
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(system.Patience)); err != nil {
		return err
	}
	var all []byte
	for _, one := range row {
		all = append(all, one.Steps[0].Send...)
	}
	c := conversation{conn: conn, in: bufio.NewReader(conn)}
	for len(all) > 0 {
		n := 1 + random.IntN(len(all))
		c.send(all[:n])
		all = all[n:]
	}
	var names []string
	for i, one := range row {
		names = append(names, one.File+"/"+one.Name)
		answers := *one
		answers.Steps = one.Steps[1:]
		if i+1 < len(row) {
			answers.Fate = "" // only the last one's is looked at
		}
		if err := c.run(&answers); err != nil {
			return fmt.Errorf("%q behind one another: %w", names, err)
		}
	}
	return nil
}
