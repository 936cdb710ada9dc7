package cli

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

const referenceHead = `# Reference

Every command of ` + "`gateway`" + ` and every flag, written from their definitions by ` + "`make reference`" + `; a test fails when this page is out of
date. ` + "`gateway help COMMAND`" + ` and ` + "`gateway man`" + ` tell the same.

## Commands

| command | what it does |
|---|---|
`

const referenceFlags = `
## Flags of serve, check and config, and keys of the configuration file

A flag is a key of the file that ` + "`--config`" + ` names, by the same name ([deploy/gateway.toml](../deploy/gateway.toml) shows them all). Flags go before the
file, the file before the default. A duration is written ` + "`30s`" + `, ` + "`1m30s`" + `, ` + "`250ms`" + `; a size in bytes, or with ` + "`KiB`" + `, ` + "`MiB`" + ` or ` + "`GiB`" + ` behind it (in
the file a number or a string). A list is a flag that may be repeated, and an array in the file. What changes *live* does so on SIGHUP, for what begins
then; the rest is named in the log as in need of a restart.

| flag and key | value | default | changes | meaning |
|---|---|---|---|---|
`

// WriteReference writes docs/reference.md. What changes live is found out as a reload does.
func WriteReference(out io.Writer) error {
	var page strings.Builder
	page.WriteString(referenceHead)
	for _, c := range commands() {
		fmt.Fprintf(&page, "| `%s` | %s |\n", cell(c.synopsis()), cell(c.summary))
	}
	page.WriteString(referenceFlags)
	var err error
	o := &options{}
	serveFlags(o).VisitAll(func(flag *pflag.Flag) {
		changes := "command line only"
		if isKey(flag.Name) {
			live, trialErr := changesLive(flag.Name)
			if trialErr != nil && err == nil {
				err = trialErr
			}
			changes = map[bool]string{true: "live", false: "restart"}[live]
		}
		writeFlag(&page, flag, o.span(flag.Name), changes)
	})
	if err != nil {
		return err
	}
	page.WriteString("\n## Flags of the other commands\n\n| command | flag | value | default | meaning |\n|---|---|---|---|---|\n")
	var rows []string // without the commands that have them
	users := map[string][]string{}
	for _, c := range commands() {
		if c.name == "serve" || c.name == "check" || c.name == "config" {
			continue
		}
		c.eachFlag(func(flag *pflag.Flag) {
			var row strings.Builder
			writeFlag(&row, flag, "", "")
			if users[row.String()] == nil {
				rows = append(rows, row.String())
			}
			users[row.String()] = append(users[row.String()], c.name)
		})
	}
	for _, row := range rows {
		fmt.Fprintf(&page, "| %s %s", strings.Join(users[row], ", "), row)
	}
	for _, section := range []struct {
		title, of string
		items     []told
	}{
		{"Signals", "signal", signals}, {"Exit codes", "code", exitCodes}, {"Environment", "variable", environment},
	} {
		fmt.Fprintf(&page, "\n## %s\n\n| %s | meaning |\n|---|---|\n", section.title, section.of)
		for _, i := range section.items {
			fmt.Fprintf(&page, "| %s | %s |\n", i.name, cell(i.meaning))
		}
	}
	page.WriteString("\nWhat went wrong is one line on standard error (for a configuration file: one for each mistake, with file and line). It names the value, and\nends with what was expected.\n")
	_, err = io.WriteString(out, page.String())
	return err
}

// writeFlag writes a row; span is the range of its values, and empty as changes is where there is none.
func writeFlag(page *strings.Builder, flag *pflag.Flag, span, changes string) {
	names := flagNames(flag)
	fmt.Fprintf(page, "| `%s` ", strings.Join(names, "`, `"))
	value, usage := pflag.UnquoteUsage(flag)
	fallback := told{meaning: usage}
	if text, ok := fixedDefault(flag); ok {
		fallback.name = "`" + text + "`"
	} else if match := writtenDefault.FindStringSubmatchIndex(usage); match != nil {
		fallback = told{usage[match[2]:match[3]], usage[:match[0]] + usage[match[1]:]}
	} else if text, ok := hostDefaults[flag.Name]; ok {
		fallback.name = text
	}
	value = kind(flag, value)
	if span != "" {
		value += ", " + span
	}
	fmt.Fprintf(page, "| %s | %s ", cell(value), cell(fallback.name))
	if changes != "" {
		fmt.Fprintf(page, "| %s ", changes)
	}
	fmt.Fprintf(page, "| %s |\n", cell(fallback.meaning))
}

// writtenDefault is a default that the description tells, because it depends on others.
var writtenDefault = regexp.MustCompile(` \(default:? ([^()]*)\)$`)

// hostDefaults are those that depend on the machine.
var hostDefaults = map[string]string{"loops": "half of the processors that Go may use, at least 1"}

// fixedDefault is a flag's default if it has one that is the same everywhere.
func fixedDefault(flag *pflag.Flag) (string, bool) {
	_, host := hostDefaults[flag.Name]
	if host || flag.DefValue == "" || flag.DefValue == "[]" || writtenDefault.MatchString(flag.Usage) {
		return "", false
	}
	return tidy(strings.Trim(flag.DefValue, "[]")), true
}

// kind is what a flag takes, with its unit.
func kind(flag *pflag.Flag, placeholder string) string {
	text := placeholder
	switch flag.Value.Type() {
	case "bool":
		return "true or false"
	case "int":
		return "number"
	case "duration":
		return "duration"
	case sizeType:
		text = "size"
	}
	if chosen[flag.Name] != nil {
		text = strings.Join(chosen[flag.Name], " or ")
	}
	if _, list := flag.Value.(pflag.SliceValue); list && flag.Name != "worker" {
		text = "list of " + text
		if isTable(flag) {
			text += ", or a table"
		}
	}
	return text
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// trialValues are such that every flag takes one of them besides its default.
var trialValues = []string{"2", "32MiB", "8192", "1ms", "2s", "true", "false", "json", "combined", "debug", "0600", "10.0.0.0/8", "/x=y", "/x=/", "127.0.0.1:1", "/x"}

// changesLive tells whether a change of one key, from its default, needs no restart.
func changesLive(name string) (bool, error) {
	// With these every key means something.
	base := &input{file: "reference", keys: map[string]given{}}
	for key, text := range map[string]string{"worker": os.Args[0], "static": "/=/", "loops": "1", "memory-limit": "1GiB", "admin": "127.0.0.1:2", "socket": "/s"} {
		base.keys[key] = given{file: base.file, values: []givenValue{{text: text}}}
	}
	from, err := newRunning(base)
	if err != nil {
		return false, err
	}
	for _, text := range append(trialValues, strconv.Itoa(os.Geteuid())) {
		f := serveFlags(&options{})
		other := given{file: base.file, values: []givenValue{{text: text}}}
		if set(f.Lookup(name), other) != nil {
			continue
		}
		to, err := newRunning(base.with(name, &input{keys: map[string]given{name: other}}))
		if err != nil || to.given[name] == from.given[name] {
			continue
		}
		return isLive(name, from, to), nil
	}
	return false, fmt.Errorf("--%s takes none of the values to be tried, expected one in trialValues", name)
}
