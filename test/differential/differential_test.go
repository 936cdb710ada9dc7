package differential

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	inputs = flag.Int("inputs", 20000, "how many inputs to compare")
	seed   = flag.Uint64("seed", 1, "seed of the inputs; 0 takes a random one")
	report = flag.Bool("report", false, "print the table of classes and counts in Markdown")
)

const batchSize = 4000

// harness builds the program that prints Ringway's verdicts.
func harness(t *testing.T) string {
	t.Helper()
	const target = "build/native/plain/h1_verdict"
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

// tally counts differences and keeps the first example of each unexplained kind.
type tally struct {
	classes     []class
	counts      map[string]map[string]int // by class and parser
	examples    map[string][]byte         // the shortest input by class and parser
	unexplained map[string]string         // an example by kind
	unknown     int
	agreed      map[string]int // by parser
	accepted    int            // by Ringway, head and body
}

func (c *tally) add(input []byte, ours, theirs *verdict) {
	differences := compare(input, ours, theirs)
	if len(differences) == 0 {
		c.agreed[theirs.Parser]++
		return
	}
	s := shapeOf(input)
next:
	for i := range differences {
		d := &differences[i]
		for k := range c.classes {
			if one := &c.classes[k]; one.explains(d, s) {
				if c.counts[one.id] == nil {
					c.counts[one.id] = map[string]int{}
				}
				c.counts[one.id][theirs.Parser]++
				key := one.id + ", " + theirs.Parser
				if shortest := c.examples[key]; shortest == nil || len(input) < len(shortest) {
					c.examples[key] = input
				}
				continue next
			}
		}
		c.unknown++
		kind := fmt.Sprintf("%s: %s, ours %q, theirs %q", theirs.Parser, d.what, ours.Why, withoutQuotes(theirs.Why))
		example := fmt.Sprintf("%q\n%s\n%s", input, ours, theirs)
		if shortest, ok := c.unexplained[kind]; !ok || len(example) < len(shortest) {
			c.unexplained[kind] = example
		}
	}
}

// TestAgainstForeignParsers: every difference between Ringway's parser and net/http's or llhttp has an explanation.
func TestAgainstForeignParsers(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d, %d inputs", *seed, *inputs)
	classes, err := loadClasses()
	if err != nil {
		t.Fatal(err)
	}
	ringway, err := start(harness(t))
	if err != nil {
		t.Fatal(err)
	}
	llhttp, err := start("node", "--no-deprecation", "llhttp.js")
	if err != nil {
		t.Fatal(err)
	}
	c := &tally{classes: classes, counts: map[string]map[string]int{}, examples: map[string][]byte{},
		unexplained: map[string]string{}, agreed: map[string]int{}}
	begin := time.Now()
	makes := newGenerator(*seed)
	for left := *inputs; left > 0; left -= batchSize {
		batch := make([][]byte, min(left, batchSize))
		for i := range batch {
			batch[i] = makes.next()
		}
		compareBatch(t, c, batch, ringway, llhttp)
	}
	for _, filter := range []*process{ringway, llhttp} {
		if err := filter.stop(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d accepted; agreed with net/http on %d, with llhttp on %d; %s", c.accepted, c.agreed["net/http"], c.agreed["llhttp"],
		time.Since(begin).Round(time.Millisecond))
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

func compareBatch(t *testing.T, c *tally, batch [][]byte, ringway, llhttp *process) {
	t.Helper()
	var ours, theirs []verdict
	var ourError, theirError error
	var both sync.WaitGroup
	both.Go(func() { ours, ourError = ringway.verdicts(batch) })
	both.Go(func() { theirs, theirError = llhttp.verdicts(batch) })
	both.Wait()
	if ourError != nil || theirError != nil {
		t.Fatal(ourError, theirError)
	}
	for i, input := range batch {
		if ours[i].Body == accept {
			c.accepted++
		}
		foreign := netHTTP(input)
		c.add(input, &ours[i], &foreign)
		c.add(input, &ours[i], &theirs[i])
	}
}

// withoutQuotes cuts an error's text where it begins to quote the input.
func withoutQuotes(text string) string {
	before, _, _ := strings.Cut(text, "\"")
	return before
}

// print writes the table that docs/differential.md holds.
func (c *tally) print() {
	fmt.Println("| class | net/http | llhttp | clause | why Ringway's reading is right |")
	fmt.Println("|---|---:|---:|---|---|")
	for _, one := range c.classes {
		counts := c.counts[one.id]
		fmt.Printf("| %s | %d | %d | %s | %s |\n", one.id, counts["net/http"], counts["llhttp"], one.clause, one.why)
	}
	fmt.Println("\nThe shortest input of each class:")
	for _, key := range slices.Sorted(maps.Keys(c.examples)) {
		fmt.Printf("- %s: `%q`\n", key, c.examples[key])
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
}
