package policy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	goTransition = regexp.MustCompile(`(?m)^\t(?:worker|release)(\w+): +(?:\{(.*)\}|nil),$`)
	cTransition  = regexp.MustCompile(`\[EXCHANGE_(\w+)\] = ([^,\]]*),`)
	cPredecessor = regexp.MustCompile(`EXCHANGE_(\w+)`)
	goSuccessor  = regexp.MustCompile(`(?:worker|release)(\w+)`)
	docMachine   = regexp.MustCompile(`(?m)^Transitions of (?:an?|the) (\w+): (.*)\.$`)
)

// section is the part of a file between two marks, the first one included.
func section(t *testing.T, name, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(string(read(t, name)), from)
	part, _, closed := strings.Cut(rest, to)
	if !found || !closed {
		t.Fatalf("%s has no part from %q to %q", name, from, to)
	}
	return part
}

// goMachine reads a table of successors from Go source, "from to" for each transition.
func goMachine(t *testing.T, name, table string) map[string]bool {
	machine := map[string]bool{}
	for _, row := range goTransition.FindAllStringSubmatch(section(t, name, "var "+table, "\n}"), -1) {
		for _, to := range goSuccessor.FindAllStringSubmatch(row[2], -1) {
			machine[strings.ToLower(row[1]+" "+to[1])] = true
		}
	}
	return machine
}

// cMachine reads the table of predecessors of an exchange.
func cMachine(t *testing.T) map[string]bool {
	machine := map[string]bool{}
	table := strings.ReplaceAll(section(t, "native/exchange.c", "static const uint8_t from[] = {", "};"), "\n", " ")
	for _, row := range cTransition.FindAllStringSubmatch(table, -1) {
		for _, from := range cPredecessor.FindAllStringSubmatch(row[2], -1) {
			machine[strings.ToLower(from[1]+" "+row[1])] = true
		}
	}
	return machine
}

// TestDesignNamesTheTransitions: "a to b or c; b to c" in the design is what the code allows.
func TestDesignNamesTheTransitions(t *testing.T) {
	code := map[string]map[string]bool{
		"release":  goMachine(t, "internal/gateway/release.go", "releaseTransitions"),
		"worker":   goMachine(t, "internal/gateway/state.go", "workerTransitions"),
		"exchange": cMachine(t),
	}
	design := map[string]map[string]bool{}
	for _, line := range docMachine.FindAllStringSubmatch(string(read(t, "docs/design.md")), -1) {
		machine := map[string]bool{}
		for rule := range strings.SplitSeq(line[2], "; ") {
			from, to, _ := strings.Cut(rule, " to ")
			for next := range strings.SplitSeq(to, " or ") {
				machine[from+" "+next] = true
			}
		}
		design[line[1]] = machine
	}
	for name, machine := range code {
		if len(machine) == 0 || !maps.Equal(machine, design[name]) {
			t.Errorf("transitions of %s\ncode:   %v\ndesign: %v", name,
				slices.Sorted(maps.Keys(machine)), slices.Sorted(maps.Keys(design[name])))
		}
	}
}
