package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"ringway/internal/conffile"
)

// problems are several things that are wrong, each of which is told in a line of its own.
type problems []error

func (p problems) Error() string {
	lines := make([]string, 0, len(p))
	for _, err := range p {
		lines = append(lines, err.Error())
	}
	return strings.Join(lines, "; ")
}

// lines returns an error's problems.
func lines(err error) []error {
	var several problems
	if errors.As(err, &several) {
		return several
	}
	return []error{err}
}

// readKeys makes flags' values of the keys of a file. The keys are the flags themselves: a flag holds an array if its
// value is a pflag.SliceValue, and may hold a table if its description shows that each value is KEY=VALUE.
func readKeys(file string, entries []conffile.Entry) (map[string]given, error) {
	f := serveFlags(&options{})
	keys := make(map[string]given, len(entries))
	var wrong problems
	for _, entry := range entries {
		flag := f.Lookup(entry.Key)
		if flag == nil || !isKey(flag.Name) {
			wrong = append(wrong, &conffile.Error{File: file, Line: entry.Line, Err: unknownKey(f, entry)})
			continue
		}
		g := given{file: file, line: entry.Line}
		var bad []error
		if g.values, bad = keyValues(flag, entry); len(bad) == 0 {
			if err := set(flag, g); err != nil {
				bad = append(bad, at(entry, "%s %q cannot be used, expected %s", flag.Name, strings.Join(g.texts(), " "), expectedInFile(flag)))
			}
		}
		for _, err := range bad {
			var line *conffile.Error
			if errors.As(err, &line) {
				line.File = file
			}
			wrong = append(wrong, err)
		}
		g.isDefault = isDefault(flag, g)
		keys[flag.Name] = g
	}
	if len(wrong) > 0 {
		return nil, badInput("%w", wrong)
	}
	return keys, nil
}

func at(entry conffile.Entry, format string, arguments ...any) error {
	return &conffile.Error{Line: entry.Line, Err: fmt.Errorf(format, arguments...)}
}

func unknownKey(f *pflag.FlagSet, entry conffile.Entry) error {
	if f.Lookup(entry.Key) != nil {
		return fmt.Errorf("key %q is for the command line only, expected one that `gateway config` prints", entry.Key)
	}
	return fmt.Errorf("unknown key %q, expected %sone that `gateway config` prints", entry.Key, meant(f, "", entry.Key))
}

// keyValues are the values that a key holds, as texts such as the command line has.
func keyValues(flag *pflag.Flag, entry conffile.Entry) ([]givenValue, []error) {
	_, list := flag.Value.(pflag.SliceValue)
	switch {
	case list && entry.Value.Kind == conffile.Array:
		return elements(flag, entry, func(e conffile.Entry) (string, error) { return e.Value.Text, nil })
	case list && isTable(flag) && entry.Value.Kind == conffile.Table:
		return elements(flag, entry, func(e conffile.Entry) (string, error) {
			if strings.Contains(e.Key, "=") {
				return "", at(e, "%s %q holds an equals sign, expected a key without one", flag.Name, e.Key)
			}
			return e.Key + "=" + e.Value.Text, nil
		})
	case !fits(flag, entry.Value):
		return nil, []error{at(entry, "%s is %s, expected %s", flag.Name, entry.Value.Kind, expectedInFile(flag))}
	}
	return []givenValue{{entry.Value.Text, entry.Line}}, nil
}

func elements(flag *pflag.Flag, entry conffile.Entry, text func(conffile.Entry) (string, error)) ([]givenValue, []error) {
	var values []givenValue
	var wrong []error
	for _, e := range entry.Value.Elements {
		if !fits(flag, e.Value) {
			wrong = append(wrong, at(e, "%s holds %s, expected %s", flag.Name, e.Value.Kind, expectedInFile(flag)))
			continue
		}
		value, err := text(e)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		values = append(values, givenValue{value, e.Line})
	}
	return values, wrong
}

// isTable tells whether each of a flag's values is KEY=VALUE.
func isTable(flag *pflag.Flag) bool {
	placeholder, _ := pflag.UnquoteUsage(flag)
	return strings.Contains(placeholder, "=")
}

// fits tells whether a single value has the TOML type that a flag takes.
func fits(flag *pflag.Flag, value conffile.Value) bool {
	switch kind := flag.Value.Type(); {
	case kind == "bool":
		return value.Kind == conffile.Bool
	case isWhole(kind):
		return value.Kind == conffile.Integer
	case strings.HasPrefix(kind, "float"):
		return value.Kind == conffile.Integer || value.Kind == conffile.Float
	case kind == sizeType:
		return value.Kind == conffile.Integer || value.Kind == conffile.String
	}
	return value.Kind == conffile.String
}

func isWhole(kind string) bool {
	return kind == "count" || strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint")
}

func expectedInFile(flag *pflag.Flag) string {
	switch kind := flag.Value.Type(); {
	case kind == "bool":
		return "true or false"
	case isWhole(kind):
		return "a whole number"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "duration":
		return `a duration such as "30s" or "1m30s"`
	case kind == sizeType:
		return `a size such as 65536, "64KiB" or "8MiB"`
	}
	placeholder, _ := pflag.UnquoteUsage(flag)
	_, list := flag.Value.(pflag.SliceValue)
	switch {
	case list && isTable(flag):
		key, value, _ := strings.Cut(placeholder, "=")
		return fmt.Sprintf("strings: an array of %q or a table of %q = %q", placeholder, key, value)
	case list:
		return fmt.Sprintf("an array of strings (%s)", placeholder)
	}
	return fmt.Sprintf("a string (%s)", placeholder)
}
