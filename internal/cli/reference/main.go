// Command reference writes docs/reference.md to standard output.
package main

import (
	"fmt"
	"os"

	"ringway/internal/cli"
)

func main() {
	if err := cli.WriteReference(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}
