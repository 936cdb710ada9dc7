package cli

import (
	"strings"

	"github.com/spf13/pflag"
)

// meant names the flag that a misspelt name may stand for, as the beginning of what was expected; empty if none is near.
func meant(f *pflag.FlagSet, dashes, name string) string {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	nearest, best := "", len(name)/3+1
	f.VisitAll(func(flag *pflag.Flag) {
		if d := distance(name, flag.Name); d < best && (dashes != "" || isKey(flag.Name)) {
			nearest, best = flag.Name, d
		}
	})
	if nearest == "" || dashes == "-" {
		return ""
	}
	return dashes + nearest + " or another "
}

// distance is how many bytes have to be inserted, removed or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
