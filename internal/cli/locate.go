package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"ringway/internal/conffile"
	"ringway/internal/gateway"
)

var mentionedFlag = regexp.MustCompile(`--([a-z][a-z0-9-]*)`)

// locate puts the file and line before a message about a value of the file. The message names the flag at fault first, as
// --NAME, or quotes the value. Where the first is at its default, the next one that is named and was given is to blame.
func (in *input) locate(err error) error {
	var (
		bad     *gateway.InputError
		located *conffile.Error
	)
	if in == nil || in.file == "" || !errors.As(err, &bad) || errors.As(err, &located) {
		return err
	}
	text := err.Error()
	for _, match := range mentionedFlag.FindAllStringSubmatch(text, -1) {
		g, found := in.source(match[1])
		switch {
		case !found:
			continue
		case g.file == "":
			return err
		}
		return badInput("%w", &conffile.Error{
			File: g.file, Line: g.lineIn(text), Err: errors.New(strings.Replace(text, match[0], match[1], 1)),
		})
	}
	f := serveFlags(&options{})
	for _, name := range keyNames(f) {
		if g, _ := in.source(name); g.file != "" && slices.ContainsFunc(g.values, quotedIn(text)) {
			return badInput("%w", &conffile.Error{File: g.file, Line: g.lineIn(text), Err: fmt.Errorf("%s: %w", name, err)})
		}
	}
	return err
}

// lineIn is the line of the value that a message quotes, or else of the key.
func (g given) lineIn(text string) int {
	if i := slices.IndexFunc(g.values, quotedIn(text)); i >= 0 {
		return g.values[i].line
	}
	return g.line
}

func quotedIn(text string) func(givenValue) bool {
	return func(v givenValue) bool { return v.text != "" && strings.Contains(text, strconv.Quote(v.text)) }
}

// keyNames are the names of all keys, in the order in which they are defined.
func keyNames(f *pflag.FlagSet) []string {
	var names []string
	f.VisitAll(func(flag *pflag.Flag) {
		if isKey(flag.Name) {
			names = append(names, flag.Name)
		}
	})
	return names
}
