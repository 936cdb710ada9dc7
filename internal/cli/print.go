package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	toml "github.com/pelletier/go-toml/v2"
	"github.com/spf13/pflag"

	"ringway/internal/admin"
)

// printConfig prints the configuration that serve would run with, as a file for --config.
func printConfig(args []string, stdout, _ io.Writer, _ NewEngine) error {
	in, err := readInput(args)
	if err != nil {
		return err
	}
	o, f, err := in.build()
	if err != nil {
		return err
	}
	if _, err := settle(o, f); err != nil {
		return err
	}
	var text strings.Builder
	for _, name := range keyNames(f) {
		line, err := toml.Marshal(map[string]any{name: document(f.Lookup(name).Value)})
		if err != nil {
			return fmt.Errorf("print --%s: %w", name, err)
		}
		fmt.Fprintf(&text, "%s # %s\n", strings.TrimSuffix(string(line), "\n"), in.origin(name))
	}
	_, err = io.WriteString(stdout, text.String())
	return err
}

// told is the values for people.
func (in *input) told(f *pflag.FlagSet) []admin.Value {
	var all []admin.Value
	for _, name := range keyNames(f) {
		all = append(all, admin.Value{Key: name, Value: document(f.Lookup(name).Value), Origin: in.origin(name)})
	}
	return all
}

// origin says in words where a value comes from.
func (in *input) origin(name string) string {
	g, found := in.source(name)
	switch {
	case name == "worker" && in.dashes:
		return "flag, with the arguments after --"
	case !found:
		return "default"
	case g.file == "":
		return "flag"
	}
	return fmt.Sprintf("%s:%d", printable(g.file), g.line)
}

// printable keeps the name of a file in its line.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// document is a flag's value as TOML has it.
func document(value pflag.Value) any {
	text := value.String()
	if list, ok := value.(pflag.SliceValue); ok {
		return append([]string{}, list.GetSlice()...)
	}
	switch kind := value.Type(); {
	case kind == "bool":
		return text == "true"
	case isWhole(kind):
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number
		}
	case strings.HasPrefix(kind, "float"):
		if number, err := strconv.ParseFloat(text, 64); err == nil {
			return number
		}
	}
	return text
}
