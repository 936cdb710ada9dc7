package differential

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	inputs = flag.Int("inputs", 20000, "how many inputs to compare")
	seed   = flag.Uint64("seed", 1, "seed of the inputs; 0 takes a random one")
	built  = flag.String("built", "plain", "how our programs are built: plain or asan")
	report = flag.Bool("report", false, "print the table of classes and counts in Markdown")
)

const batchSize = 4000

// harness builds one of the programs of native/test and gives its path.
func harness(t *testing.T, name string) string {
	t.Helper()
	target := "build/native/" + *built + "/" + name
	command := exec.Command("make", "-s", target)
	command.Dir = "../.."
	// Not a part of an outer make's run.
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "MAKE") && !strings.HasPrefix(variable, "MFLAGS") {
			command.Env = append(command.Env, variable)
		}
	}
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, output)
	}
	return filepath.Join("..", "..", filepath.FromSlash(target))
}

// begin takes the flags and starts the two programs that a test compares by.
func begin(t *testing.T, program string, llhttpArguments ...string) (*tally, *process, *process) {
	t.Helper()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d, %d inputs", *seed, *inputs)
	classes, err := loadClasses()
	if err != nil {
		t.Fatal(err)
	}
	ringway, err := start(harness(t, program))
	if err != nil {
		t.Fatal(err)
	}
	llhttp, err := start("node", append([]string{"--no-deprecation", "llhttp.js"}, llhttpArguments...)...)
	if err != nil {
		t.Fatal(err)
	}
	return newTally(classes), ringway, llhttp
}

// TestAgainstForeignParsers: every difference between Ringway's parser and net/http's or llhttp has an explanation, message
// by message of streams of requests; and in pieces Ringway reads the same as in one.
func TestAgainstForeignParsers(t *testing.T) {
	c, ringway, llhttp := begin(t, "h1_verdict")
	started := time.Now()
	makes := newGenerator(*seed)
	reader := newGoReader()
	for left := *inputs; left > 0; left -= batchSize {
		batch := make([][]byte, min(left, batchSize))
		for i := range batch {
			batch[i] = makes.next()
		}
		compareBatch(t, c, batch, ringway, llhttp, reader)
	}
	for _, filter := range []*process{ringway, llhttp} {
		if err := filter.stop(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d of %d inputs mutated; %d messages accepted, %d behind another; no difference to net/http on %d inputs, to llhttp on %d; %s",
		makes.mutated, *inputs, c.accepted, c.behind, c.agreed["net/http"], c.agreed["llhttp"], time.Since(started).Round(time.Millisecond))
	finish(t, c)
}

// side runs a filter over a batch beside the others.
func side(both *sync.WaitGroup, filter *process, batch [][]byte, answers *[]string, err *error) {
	both.Go(func() { *answers, *err = filter.answers(batch) })
}

func compareBatch(t *testing.T, c *tally, batch [][]byte, ringway, llhttp *process, reader *goReader) {
	t.Helper()
	var ours, theirs []string
	var ourError, theirError error
	var both sync.WaitGroup
	side(&both, ringway, batch, &ours, &ourError)
	side(&both, llhttp, batch, &theirs, &theirError)
	both.Wait()
	if ourError != nil || theirError != nil {
		t.Fatal(ourError, theirError)
	}
	for i, input := range batch {
		our, err := verdictsOf("ringway", ours[i])
		if err != nil {
			t.Fatalf("%v: %q", err, input)
		}
		their, err := verdictsOf("llhttp", theirs[i])
		if err != nil {
			t.Fatalf("%v: %q", err, input)
		}
		c.accept(our)
		c.add(input, our, reader.requests(input), "net/http")
		c.add(input, our, their, "llhttp")
	}
}

// finish fails if anything is unexplained.
func finish(t *testing.T, c *tally) {
	t.Helper()
	if c.unknown > 0 {
		t.Errorf("%d differences without a class, of %d kinds", c.unknown, len(c.unexplained))
	}
	for kind, example := range c.unexplained {
		t.Errorf("unexplained: %s\n%s", kind, example)
	}
	if *report {
		c.print()
	}
}

// TestGeneratorRepeats: the same seed gives the same inputs, and none is empty.
func TestGeneratorRepeats(t *testing.T) {
	one, other := newGenerator(7), newGenerator(7)
	for range 1000 {
		input := one.next()
		if again := other.next(); len(input) == 0 || string(input) != string(again) {
			t.Fatalf("%q, then %q", input, again)
		}
	}
	if one.mutated == 0 || one.mutated == 1000 {
		t.Errorf("%d of 1000 inputs mutated, expected some", one.mutated)
	}
}
