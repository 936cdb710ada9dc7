// Command conformance writes docs/owin-conformance.md, to standard output, from the rules of package rules.
package main

import (
	"fmt"
	"os"

	"ringway/test/owin/rules"
)

func main() {
	if err := write(os.Stdout, rules.All(), rules.Exceptions); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}
