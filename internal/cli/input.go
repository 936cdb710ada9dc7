package cli

import (
	"slices"

	"github.com/spf13/pflag"

	"ringway/internal/conffile"
)

// Flags that are no keys of a configuration file.
const (
	configFlag = "config"
	testFlag   = "test"
)

func isKey(name string) bool { return name != configFlag && name != testFlag }

// given is what the command line or the file says about one flag.
type given struct {
	file   string // empty for the command line
	line   int    // of the key, 0 for the command line
	values []givenValue
	// isDefault: the key says what holds anyway, and counts as not given.
	isDefault bool
}

type givenValue struct {
	text string
	line int
}

// input is everything that the operator has given: it makes the options, as often as wanted.
type input struct {
	file       string // --config, empty if there is none
	flags      map[string]given
	keys       map[string]given
	workerArgs []string // after --
	dashes     bool     // -- was given, and workerArgs stand for those of the file, even if there are none
}

// readInput reads a command line and the file that it names. It returns pflag.ErrHelp when help was asked for.
func readInput(args []string) (*input, error) {
	in, err := readArguments(args)
	if err != nil {
		return nil, err
	}
	return in, in.readFile()
}

func readArguments(args []string) (*input, error) {
	in := &input{flags: make(map[string]given)}
	f := serveFlags(&options{})
	err := f.ParseAll(args, func(flag *pflag.Flag, text string) error {
		g := in.flags[flag.Name]
		g.values = append(g.values, givenValue{text: text})
		in.flags[flag.Name] = g
		return f.Set(flag.Name, text)
	})
	if err != nil {
		return nil, flagError("serve", f, err)
	}
	rest := f.Args()
	own := len(rest) // arguments before --
	if dash := f.ArgsLenAtDash(); dash >= 0 {
		own, in.dashes = dash, true
	}
	if own > 0 {
		return nil, badInput("unexpected argument %q, expected flags, and arguments of the worker only after --", rest[0])
	}
	in.workerArgs = rest
	in.file = f.Lookup(configFlag).Value.String()
	if _, found := in.flags[configFlag]; found && in.file == "" {
		return nil, badInput("--config is empty, expected the name of a file")
	}
	return in, nil
}

// readFile reads the file (again).
func (in *input) readFile() error {
	in.keys = nil
	if in.file == "" {
		return nil
	}
	entries, err := conffile.Read(in.file)
	if err != nil {
		return badInput("%w", err)
	}
	in.keys, err = readKeys(in.file, entries)
	return err
}

// source is who has a flag's value: the command line before the file.
func (in *input) source(name string) (given, bool) {
	if g, found := in.flags[name]; found {
		return g, true
	}
	g, found := in.keys[name]
	return g, found
}

// build makes the options. All values have been seen by flags of their kind before.
func (in *input) build() (*options, *pflag.FlagSet, error) {
	o := &options{input: in}
	f := serveFlags(o)
	var err error
	f.VisitAll(func(flag *pflag.Flag) {
		if g, found := in.source(flag.Name); found && !g.isDefault && err == nil {
			err = set(flag, g)
		}
	})
	if in.dashes {
		o.workerArgs = in.workerArgs
	}
	return o, f, err
}

// set gives a flag its values.
func set(flag *pflag.Flag, g given) error {
	flag.Changed = true
	if list, ok := flag.Value.(pflag.SliceValue); ok && g.file != "" {
		if err := list.Replace(g.texts()); err != nil {
			return err
		}
	} else {
		for _, text := range g.texts() {
			if err := flag.Value.Set(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// isDefault tells whether the value that a key of the file has given to a flag is its default. Such a key counts as not
// given, so that a file may hold every key; but a list that has elements was meant.
func isDefault(flag *pflag.Flag, g given) bool {
	_, list := flag.Value.(pflag.SliceValue)
	meant := list && slices.ContainsFunc(g.values, func(v givenValue) bool { return v.text != "" })
	return flag.Value.String() == flag.DefValue && !meant
}

// with returns an input that has the value of one key from another.
func (in *input) with(name string, from *input) *input {
	changed := *in
	changed.keys = make(map[string]given, len(in.keys)+1)
	for key, g := range in.keys {
		if key != name {
			changed.keys[key] = g
		}
	}
	if g, found := from.keys[name]; found {
		changed.keys[name] = g
	}
	return &changed
}

func (g given) texts() []string {
	texts := make([]string, 0, len(g.values))
	for _, value := range g.values {
		texts = append(texts, value.text)
	}
	return texts
}
