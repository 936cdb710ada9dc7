// Package cli is the command line of the gateway binary: commands, flags, and what is printed.
//
// Whatever the operator got wrong is told in one line on standard error, which names the value and what was expected,
// with exit code 2; several problems of a configuration file each in theirs. Failures that are not the operator's give exit code 1.
package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"ringway/internal/engine"
	"ringway/internal/gateway"
	"ringway/ring"
)

// Exit codes.
const (
	exitOK       = 0
	exitFailure  = 1
	exitBadInput = 2
)

// version is set by the linker for a release: -X ringway/internal/cli.version=v1.2.3.
var version = "devel"

// NewEngine makes the native half of a gateway.
type NewEngine func(engine.Config) (gateway.Engine, error)

// command is one word after the program's name.
type command struct {
	name, summary string
	run           func(args []string, stdout, stderr io.Writer, newEngine NewEngine) error
}

func commands() []command {
	return []command{
		{"serve", "run the gateway: serve --listen ADDR [flags] [--worker PATH [-- ARGS]]", serve},
		{"check", "test a configuration without opening anything: check [-c FILE] [flags of serve]; also -t", check},
		{"config", "print the configuration in effect, and where each value comes from: config [-c FILE] [flags of serve]", printConfig},
		{"swap", "replace the worker: swap [--admin ADDR] PATH [-- ARGS]; without -- the arguments stay", swap},
		{"rollback", "go back to the release before: rollback [--admin ADDR]", rollback},
		{"drain", "let a worker finish and end, or after --drain-delay the gateway: drain [--admin ADDR] [WORKER]", drain},
		{"status", "what the gateway and its workers do: status [--admin ADDR] [--json]", status},
		{"upgrade", "put another gateway in this one's place, connections and all: upgrade [--admin ADDR] PATH; also USR2", upgrade},
		{"stop", "let all finish and end, without --drain-delay: stop [--admin ADDR]", stop},
		{"version", "print the version", printVersion},
		{"help", "print this text, or the flags of a command: help serve", help},
	}
}

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
	for _, command := range commands() {
		if command.name == name {
			return command.run(args[1:], stdout, stderr, newEngine)
		}
	}
	return badInput("unknown command %q, expected %s", args[0], commandNames())
}

func commandNames() string {
	var names []string
	for _, command := range commands() {
		names = append(names, command.name)
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

func badInput(format string, arguments ...any) error {
	return &gateway.InputError{Err: fmt.Errorf(format, arguments...)}
}

func printVersion(args []string, stdout, _ io.Writer, _ NewEngine) error {
	if len(args) > 0 {
		return badInput("unexpected argument %q, expected none after version", args[0])
	}
	_, err := fmt.Fprintf(stdout, "ringway gateway %s (ring layout %d, %s %s/%s)\n",
		version, ring.LayoutVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func help(args []string, stdout, _ io.Writer, _ NewEngine) error {
	switch {
	case len(args) == 0:
		text := "Usage: gateway COMMAND\n\nCommands:\n"
		for _, command := range commands() {
			text += fmt.Sprintf("  %-9s %s\n", command.name, command.summary)
		}
		_, err := io.WriteString(stdout, text)
		return err
	case len(args) == 1 && (args[0] == "serve" || args[0] == "check" || args[0] == "config"):
		return serveHelp(stdout)
	}
	return badInput("no help for %q, expected serve", strings.Join(args, " "))
}
