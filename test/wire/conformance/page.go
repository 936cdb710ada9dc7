package main

import (
	"fmt"
	"io"
	"path"
	"strings"

	"ringway/test/wire"
)

const introduction = `# HTTP conformance

Every rule of HTTP that the gateway keeps, where it is implemented, and what shows it. Written from
[test/wire/cases](../test/wire/cases) by ` + "`make conformance`" + `; a test fails when it is out of date.

A case is a conversation over a raw socket: the bytes sent, the answers expected, each read by a strict reader of its own,
and what becomes of the connection. Each runs whole and in single bytes, in two programs: ` + "`test/wire`" + ` with gateway and worker
as processes over TCP, and ` + "`native/test/h1_wire_test.c`" + ` (also under ASan and UBSan) with a worker that can send what the
library would refuse to. Cases marked C or Go run in one of them only.

`

// write writes the page.
func write(out io.Writer, book *wire.Book) error {
	var page strings.Builder
	page.WriteString(introduction)
	cases := book.Cases()
	fmt.Fprintf(&page, "%d rules, %d cases, %d exceptions.\n", len(book.Rules), len(cases), len(book.Exceptions))
	section := ""
	for _, rule := range book.Rules {
		if rule.Section != section {
			section = rule.Section
			fmt.Fprintf(&page, "\n## %s\n\n| clause | rule | code | shown by |\n|---|---|---|---|\n", section)
		}
		fmt.Fprintf(&page, "| %s | %s | %s | %s |\n", cell(rule.Clause), cell(rule.Title), code(rule), shown(rule))
	}
	page.WriteString("\n## Exceptions\n\n| clause | what is not done, or not as it might be | why |\n|---|---|---|\n")
	for _, e := range book.Exceptions {
		fmt.Fprintf(&page, "| %s | %s | %s |\n", cell(e.Clause), cell(e.Title), cell(e.Because))
	}
	_, err := io.WriteString(out, page.String())
	return err
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func code(rule *wire.Rule) string {
	var places []string
	for _, p := range rule.Code {
		text := fmt.Sprintf("[%s](../%s)", path.Base(p.File), p.File)
		if len(p.Words) > 0 {
			text += " `" + strings.Join(p.Words, "`, `") + "`"
		}
		places = append(places, text)
	}
	return strings.Join(places, "; ")
}

func shown(rule *wire.Rule) string {
	var tests []string
	var cases strings.Builder
	for i, one := range rule.Cases {
		if i == 0 {
			fmt.Fprintf(&cases, "[%s](../test/wire/cases/%s): ", one.File, one.File)
		} else {
			cases.WriteString("; ")
		}
		cases.WriteString(cell(one.Name))
		switch one.Only {
		case "c":
			cases.WriteString(" (C)")
		case "go":
			cases.WriteString(" (Go)")
		}
	}
	if cases.Len() > 0 {
		tests = append(tests, cases.String())
	}
	for _, p := range rule.Tests {
		tests = append(tests, fmt.Sprintf("[%s](../%s) `%s`", path.Base(p.File), p.File, strings.Join(p.Words, "`, `")))
	}
	return strings.Join(tests, "; ")
}
