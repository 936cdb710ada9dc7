package main

import (
	"fmt"
	"io"
	"path"
	"strings"

	"ringway/test/owin/rules"
)

const introduction = `# OWIN conformance

What OWIN 1.0, its 1.0.1 draft, the common keys and the extensions ask of a server, and what Ringway promises beside it,
with what shows it. Written from [test/owin/rules](../test/owin/rules) by ` + "`make conformance`" + `; a test fails when it is out of date.

A case is a request and an App that looks at its environment from within. Each runs behind a real gateway, in a worker that is a
process of its own, and, unless it is marked G (it needs more than a request), without a gateway, too.

`

// write writes the page.
func write(out io.Writer, all []rules.Rule, exceptions []rules.Exception) error {
	var page strings.Builder
	page.WriteString(introduction)
	cases := 0
	for _, rule := range all {
		cases += len(rule.Cases)
	}
	fmt.Fprintf(&page, "%d rules, %d cases, %d exceptions.\n", len(all), cases, len(exceptions))
	section := ""
	for _, rule := range all {
		if rule.Section != section {
			section = rule.Section
			fmt.Fprintf(&page, "\n## %s\n\n| clause | rule | cases | tests elsewhere |\n|---|---|---|---|\n", section)
		}
		fmt.Fprintf(&page, "| %s | %s | %s | %s |\n", cell(rule.Clause), cell(rule.Title), names(rule), places(rule))
	}
	page.WriteString("\n## Exceptions\n\n| clause | what is not done, or not as it might be | why |\n|---|---|---|\n")
	for _, e := range exceptions {
		fmt.Fprintf(&page, "| %s | %s | %s |\n", cell(e.Clause), cell(e.Title), cell(e.Because))
	}
	_, err := io.WriteString(out, page.String())
	return err
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func names(rule rules.Rule) string {
	var all []string
	for _, one := range rule.Cases {
		name := cell(one.Name)
		if one.GatewayOnly {
			name += " (G)"
		}
		all = append(all, name)
	}
	return strings.Join(all, "; ")
}

func places(rule rules.Rule) string {
	var all []string
	for _, p := range rule.Tests {
		text := fmt.Sprintf("[%s](../%s)", path.Base(p.File), p.File)
		if len(p.Tests) > 0 {
			text += " `" + strings.Join(p.Tests, "`, `") + "`"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}
