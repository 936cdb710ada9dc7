package differential

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAnswersReadAsMeant: what the gateway makes of a worker's answers is read by net/http and by llhttp as it was meant, and
// a hostile answer is a clean 502 or a connection that ends in the middle of it; never another field or another answer.
func TestAnswersReadAsMeant(t *testing.T) {
	c, server, llhttp := begin(t, "h1_serve", "response")
	started := time.Now()
	makes := newGenerator(*seed + 2)
	reader := newGoReader()
	count := max(*inputs/2, 1) // they cost more, and the worker's part of them is smaller
	for left := count; left > 0; left -= batchSize {
		connections := make([]*connection, min(left, batchSize))
		for i := range connections {
			connections[i] = makes.connection()
		}
		compareAnswers(t, c, connections, server, llhttp, reader)
	}
	for _, filter := range []*process{server, llhttp} {
		if err := filter.stop(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d of %d connections with a mutated or hostile answer; %d answers complete, %d behind another; no difference to net/http on %d connections, to llhttp on %d; %s",
		makes.mutated, count, c.accepted, c.behind, c.agreed["net/http"], c.agreed["llhttp"], time.Since(started).Round(time.Millisecond))
	finish(t, c)
}

func compareAnswers(t *testing.T, c *tally, connections []*connection, server, llhttp *process, reader *goReader) {
	t.Helper()
	plays := make([][]byte, len(connections))
	for i, one := range connections {
		plays[i] = one.encode()
	}
	played, err := server.answers(plays)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*served, len(played))
	received := make([][]byte, len(played))
	heads := make([][]bool, len(played))
	wanted := make([][]*meant, len(played))
	ends := make([]string, len(played))
	for i, play := range played {
		if all[i], err = servedBy(play); err != nil {
			t.Fatalf("%v: %s", err, connections[i])
		}
		wanted[i], heads[i], ends[i] = meantBy(connections[i])
		received[i] = []byte{asByte(all[i].ended && !all[i].reset), byte(len(heads[i]))}
		for _, head := range heads[i] {
			received[i] = append(received[i], asByte(head))
		}
		received[i] = append(received[i], all[i].bytes...)
	}
	var ours [][]verdict
	var theirs []string
	var llhttpError error
	var both sync.WaitGroup
	side(&both, llhttp, received, &theirs, &llhttpError)
	for i := range received {
		ours = append(ours, reader.answers([]byte(all[i].bytes), heads[i], all[i].ended && !all[i].reset))
	}
	both.Wait()
	if llhttpError != nil {
		t.Fatal(llhttpError)
	}
	for i := range connections {
		read, err := verdictsOf("llhttp", theirs[i])
		if err != nil {
			t.Fatal(err)
		}
		for k, m := range wanted[i] {
			if m.Body == accept {
				c.accepted++
				c.behind += min(k, 1)
			}
		}
		if end := all[i].end(); ends[i] != end {
			c.fault(fmt.Sprintf("the connection has ended by %q, expected %q", end, ends[i]), fmt.Sprintf("%s%q", connections[i], all[i].bytes))
		}
		c.addAnswers(connections[i], all[i], wanted[i], ours[i], "net/http")
		c.addAnswers(connections[i], all[i], wanted[i], read, "llhttp")
	}
}

// addAnswers compares what a client read with what was meant, answer by answer.
func (c *tally) addAnswers(played *connection, got *served, wanted []*meant, read []verdict, parser string) {
	input := []byte(got.bytes)
	var before [][]byte
	none := verdict{Parser: parser}
	found := false
	for i := range max(len(wanted), len(read)) {
		var differences []difference
		switch {
		case i == len(wanted):
			differences = []difference{{"answer end of stream", input, before, &none, &read[i]}}
		case i == len(read):
			differences = []difference{{"answer end of stream", input, before, &wanted[i].verdict, &none}}
		default:
			differences = compareAnswer(input, before, wanted[i], &read[i], got.ended)
		}
		c.explain(differences, []byte(got.bytes), played)
		found = found || len(differences) > 0
		if i == len(read) || read[i].Body != accept || slices.ContainsFunc(differences, func(d difference) bool { return d.stops() }) {
			break
		}
		before, input = append(before, input[:read[i].Used]), input[read[i].Used:]
		if !read[i].Keep || i+1 == len(wanted) {
			if len(input) > 0 {
				c.fault(parser+": bytes behind the last answer", fmt.Sprintf("%s%q", played, got.bytes))
			}
			break
		}
	}
	if !found {
		c.agreed[parser]++
	}
}

func (c *connection) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "options %d, %q\n", c.options, c.requests)
	for i := range c.steps {
		text.WriteString("  " + c.steps[i].String() + "\n")
	}
	return text.String()
}

// TestKnownAnswers: answers that were once read otherwise than meant.
func TestKnownAnswers(t *testing.T) {
	get := func(minor string) string { return "GET / HTTP/1." + minor + "\r\nHost: a\r\n\r\n" }
	cases := []struct {
		name string
		play connection
	}{
		{"a length of 2^63, which signed numbers cannot hold", connection{requests: get("1"),
			steps: []step{{kind: 'R', status: 200, total: math.MaxInt64 + 1, body: "x"}}}},
		{"a length of 2^64 - 2", connection{requests: get("1"),
			steps: []step{{kind: 'R', status: 200, total: math.MaxUint64 - 1, end: true}}}},
		{"the worker fails in the middle of a body that ends with the connection", connection{requests: get("0"), options: watched,
			steps: []step{{kind: 'R', status: 200, total: lengthUnknown, body: "half"}, {kind: 'F'}}}},
		{"such a body that is complete", connection{requests: get("0"), options: watched,
			steps: []step{{kind: 'R', status: 200, total: lengthUnknown, body: "half"}, {kind: 'B', body: "whole", end: true}}}},
	}
	c, server, llhttp := begin(t, "h1_serve", "response")
	for _, one := range cases {
		t.Run(one.name, func(t *testing.T) {
			c.unexplained = map[string]string{}
			compareAnswers(t, c, []*connection{&one.play}, server, llhttp, newGoReader())
			for kind, example := range c.unexplained {
				t.Errorf("%s\n%s", kind, example)
			}
		})
	}
	for _, filter := range []*process{server, llhttp} {
		if err := filter.stop(); err != nil {
			t.Error(err)
		}
	}
}
