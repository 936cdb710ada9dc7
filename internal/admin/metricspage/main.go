// Command metricspage writes docs/metrics.md to standard output.
package main

import (
	"fmt"
	"os"

	"ringway/internal/admin"
)

func main() {
	if err := admin.WriteMetrics(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "metricspage:", err)
		os.Exit(1)
	}
}
