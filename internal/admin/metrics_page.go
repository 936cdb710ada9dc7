package admin

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

const metricsHead = `# Metrics

What ` + "`GET /metrics`" + ` of the admin server has, written from the definitions by ` + "`make reference`" + `; a test fails when this page is out of date.
Besides these there are those of the Go runtime (` + "`go_`" + `) and of the process (` + "`process_`" + `). Times are seconds, sizes bytes. Counters count from the
gateway's start, or from the worker's attachment where they have its number. A dashboard for Grafana is [deploy/grafana/ringway.json](../deploy/grafana/ringway.json),
rules for alerts are in [deploy/prometheus/ringway-rules.yml](../deploy/prometheus/ringway-rules.yml).

| metric | kind | labels | meaning |
|---|---|---|---|
`

// WriteMetrics writes docs/metrics.md.
func WriteMetrics(out io.Writer) error {
	var page strings.Builder
	page.WriteString(metricsHead)
	all := slices.SortedFunc(slices.Values(definitions), func(a, b *definition) int { return cmp.Compare(a.name, b.name) })
	for _, d := range all {
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", d.name, d.kind, strings.Join(d.labels, ", "), strings.ReplaceAll(d.help, "|", `\|`))
	}
	_, err := io.WriteString(out, page.String())
	return err
}
