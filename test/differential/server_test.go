package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestServerReadsAsTheParser: what the gateway's connection code takes from a stream that comes in random pieces, and answers,
// follows from what the parser makes of the stream in one piece.
func TestServerReadsAsTheParser(t *testing.T) {
	count := max(*inputs/4, 1) // it costs system calls
	t.Logf("seed %d, %d inputs", *seed, count)
	parser, err := start(harness(t, "h1_verdict"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := start(harness(t, "h1_serve"))
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	makes := newGenerator(*seed + 1)
	seeds := rand.New(rand.NewPCG(*seed, 1))
	reader := newGoReader()
	requests := 0
	for left := count; left > 0; left -= batchSize {
		batch := make([][]byte, min(left, batchSize))
		connections := make([][]byte, len(batch))
		for i := range batch {
			batch[i] = makes.next()
			one := connection{options: automatic, seed: seeds.Uint32() | 1, requests: string(batch[i])}
			if seeds.IntN(8) == 0 {
				one.options |= smallBuffers
			}
			connections[i] = one.encode()
		}
		var parsed, plays []string
		var parserError, serverError error
		var both sync.WaitGroup
		side(&both, parser, batch, &parsed, &parserError)
		side(&both, server, connections, &plays, &serverError)
		both.Wait()
		if parserError != nil || serverError != nil {
			t.Fatal(parserError, serverError)
		}
		for i, input := range batch {
			verdicts, err := verdictsOf("ringway", parsed[i])
			if err != nil {
				t.Fatalf("%v: %q", err, input)
			}
			got, err := servedBy(plays[i])
			if err != nil {
				t.Fatalf("%v: %q", err, input)
			}
			requests += len(got.requests)
			fault := servedOtherwise(input, verdicts, got, reader, true)
			if fault != "" { // it was refused before its method was known
				fault = servedOtherwise(input, verdicts, got, reader, false)
			}
			if fault != "" {
				t.Fatalf("%s\n%q\nparser: %v\nserver: %v\nanswers: %q, ended %t", fault, input, verdicts, got.requests, got.bytes, got.ended)
			}
		}
	}
	for _, filter := range []*process{parser, server} {
		if err := filter.stop(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d of %d inputs mutated; %d requests served; %s", makes.mutated, count, requests, time.Since(started).Round(time.Millisecond))
}

// servedOtherwise says in what the server did not follow the parser's verdicts, or nothing. refusedHead: the refusal of what
// begins like a HEAD has no body.
func servedOtherwise(input []byte, verdicts []verdict, got *served, reader *goReader, refusedHead bool) string {
	var heads []bool
	var statuses []int
	ended := false
	started := 0
	for i := range verdicts {
		v := &verdicts[i]
		if v.Head == accept {
			if started++; started > len(got.requests) {
				return fmt.Sprintf("message %d was not started", i)
			}
			if fault := startedOtherwise(v, &got.requests[i]); fault != "" {
				return fmt.Sprintf("message %d: %s", i, fault)
			}
		}
		switch {
		case v.Head == accept && v.Body == accept:
			statuses = append(statuses, 200)
			ended = ended || !v.Keep
		case v.Head == reject || v.Body == reject:
			status, err := strconv.Atoi(v.Why[:3])
			if err != nil {
				return fmt.Sprintf("no status in %q", v.Why)
			}
			statuses = append(statuses, status)
			ended = true
		default:
			continue
		}
		begun := refusedHead && strings.HasPrefix(strings.TrimLeft(string(input), "\r\n"), "HEAD ")
		heads = append(heads, v.Method == "HEAD" || (v.Head == reject && begun))
		input = input[v.Used:]
	}
	if started != len(got.requests) {
		return fmt.Sprintf("%d messages were started, expected %d", len(got.requests), started)
	}
	var answered []int
	for _, answer := range reader.answers([]byte(got.bytes), heads, got.ended) {
		if answer.Body != accept {
			return fmt.Sprintf("answer %d is %s, %s", len(answered), answer.Head, answer.Body)
		}
		answered = append(answered, answer.Status)
	}
	if !slices.Equal(answered, statuses) || ended != got.ended {
		return fmt.Sprintf("answers %d, ended %t, expected %d, %t", answered, got.ended, statuses, ended)
	}
	return ""
}

func startedOtherwise(v, got *verdict) string {
	switch {
	case v.Method != got.Method || v.Target != got.Target || v.Authority != got.Authority || v.Minor != got.Minor || v.Keep != got.Keep:
		return "another request line or host"
	case !slices.Equal(v.Fields, got.Fields):
		return "other fields"
	case (v.Body == accept) != (got.Body == accept):
		return "body " + got.Body + ", expected " + v.Body
	case v.Body == accept && v.Data != got.Data:
		return "another body"
	case v.Body == accept && !sameFields(v.Trailers, got.Trailers, ""):
		return "other trailers"
	}
	return ""
}
