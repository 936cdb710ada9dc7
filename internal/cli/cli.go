// Package cli is the command line of the gateway binary: commands, flags, and what is printed.
//
// Whatever the operator got wrong is told in one line on standard error, which names the value and what was expected,
// with exit code 2; several problems of a configuration file each in theirs. Failures that are not the operator's give exit code 1.
package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ringway/internal/engine"
	"ringway/internal/gateway"
)

// Exit codes.
const (
	exitOK       = 0
	exitFailure  = 1
	exitBadInput = 2
)

// NewEngine makes the native half of a gateway.
type NewEngine func(engine.Config) (gateway.Engine, error)

// Run runs the command line (without the program's name) and returns the exit code.
func Run(args []string, stdout, stderr io.Writer, newEngine NewEngine) int {
	err := dispatch(args, stdout, stderr, newEngine)
	if err == nil {
		return exitOK
	}
	for _, problem := range lines(err) {
		// One line, whatever is in the values that it names.
		_, _ = fmt.Fprintln(stderr, "gateway: "+strings.ReplaceAll(problem.Error(), "\n", "; "))
	}
	var input *gateway.InputError
	if errors.As(err, &input) {
		return exitBadInput
	}
	return exitFailure
}

func dispatch(args []string, stdout, stderr io.Writer, newEngine NewEngine) error {
	if len(args) == 0 {
		return badInput("no command, expected %s", commandNames())
	}
	name := args[0]
	if name == "-h" || name == "--help" {
		name = "help"
	}
	if name == "--version" {
		name = "version"
	}
	// Like other servers: with -t in front of or among the flags.
	if strings.HasPrefix(name, "-") && (slices.Contains(args, "-t") || slices.Contains(args, "--"+testFlag)) {
		return check(args, stdout, stderr, newEngine)
	}
	if c, found := findCommand(name); found {
		err := c.run(args[1:], stdout, stderr, newEngine)
		if errors.Is(err, pflag.ErrHelp) {
			return commandHelp(c, stdout)
		}
		return err
	}
	return badInput("unknown command %q, expected %s", args[0], commandNames())
}

func badInput(format string, arguments ...any) error {
	return &gateway.InputError{Err: fmt.Errorf(format, arguments...)}
}
