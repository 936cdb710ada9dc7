package differential

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally counts differences by class and keeps the shortest example of each kind without one.
type tally struct {
	classes     []class
	counts      map[string]map[string]int // by class and parser
	examples    map[string][]byte         // the shortest message by class and parser
	unexplained map[string]string         // an example by kind
	unknown     int
	agreed      map[string]int // inputs, by parser
	accepted    int            // messages, by Ringway, head and body
	behind      int            // of them not the first of their stream
}

func newTally(classes []class) *tally {
	return &tally{classes: classes, counts: map[string]map[string]int{}, examples: map[string][]byte{},
		unexplained: map[string]string{}, agreed: map[string]int{}}
}

func (c *tally) accept(ours []verdict) {
	for i := range ours {
		if ours[i].Body == accept {
			c.accepted++
			c.behind += min(i, 1)
		}
	}
}

// add compares two readings of a stream, message by message, up to where they part.
func (c *tally) add(stream []byte, ours, theirs []verdict, parser string) {
	none := verdict{Parser: parser}
	input := stream
	var before [][]byte
	found := false
	for i := range max(len(ours), len(theirs)) {
		if i == len(ours) || i == len(theirs) {
			our, their := &none, &none
			if i < len(ours) {
				our = &ours[i]
			} else {
				their = &theirs[i]
			}
			c.explain([]difference{{"end of stream", input, before, our, their}}, stream, nil)
			return
		}
		differences := compare(input, before, &ours[i], &theirs[i])
		c.explain(differences, stream, nil)
		found = found || len(differences) > 0
		if ours[i].Body != accept || slices.ContainsFunc(differences, func(d difference) bool { return d.stops() }) {
			break
		}
		before, input = append(before, input[:ours[i].Used]), input[ours[i].Used:]
	}
	if !found {
		c.agreed[parser]++
	}
}

// explain finds the class of each difference; origin tells how the stream came about, if it is not nil.
func (c *tally) explain(differences []difference, stream []byte, origin fmt.Stringer) {
	var s *shape
next:
	for i := range differences {
		d := &differences[i]
		if s == nil {
			s = shapeOf(d.input)
		}
		for k := range c.classes {
			if one := &c.classes[k]; one.explains(d, s) {
				c.count(one.id, d.theirs.Parser, d.input)
				continue next
			}
		}
		story := ""
		if origin != nil {
			story = origin.String()
		}
		c.fault(fmt.Sprintf("%s: %s, ours %q, theirs %q", d.theirs.Parser, d.what, d.ours.Why, withoutQuotes(d.theirs.Why)),
			fmt.Sprintf("%s%q, behind %q\n%s\n%s", story, d.input, stream[:len(stream)-len(d.input)], d.ours, d.theirs))
	}
}

func (c *tally) count(class, parser string, input []byte) {
	if c.counts[class] == nil {
		c.counts[class] = map[string]int{}
	}
	c.counts[class][parser]++
	key := class + ", " + parser
	if shortest := c.examples[key]; shortest == nil || len(input) < len(shortest) {
		c.examples[key] = input
	}
}

// fault notes a difference that nothing explains.
func (c *tally) fault(kind, example string) {
	c.unknown++
	if shortest, ok := c.unexplained[kind]; !ok || len(example) < len(shortest) {
		c.unexplained[kind] = example
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
		if counts := c.counts[one.id]; counts != nil {
			fmt.Printf("| %s | %d | %d | %s | %s |\n", one.id, counts["net/http"], counts["llhttp"], one.clause, one.why)
		}
	}
	fmt.Println("\nThe shortest message of each class:")
	for _, key := range slices.Sorted(maps.Keys(c.examples)) {
		fmt.Printf("- %s: `%q`\n", key, c.examples[key])
	}
}
