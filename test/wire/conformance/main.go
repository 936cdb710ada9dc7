// Command conformance writes docs/http-conformance.md, to standard output, from the wire cases below the current
// directory, which is to be the top of the source tree.
package main

import (
	"fmt"
	"os"

	"ringway/test/wire"
)

func main() {
	book, err := wire.Read("test/wire/cases")
	if err == nil {
		err = write(os.Stdout, book)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}
